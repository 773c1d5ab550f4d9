package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// patience bounds how long one connection is used, so that a call that hangs ends.
const patience = 60 * time.Second

// connection is a client together with the context that carries its login.
type connection struct {
	*flightsql.Client
	ctx context.Context
}

// dial opens a client that is not logged in. gRPC's limit for messages stays at its 4 MiB.
func dial(address string) connection {
	options := []flight.ClientMiddleware{flight.NewClientCookieMiddleware()}
	client := must(flightsql.NewClient(address, nil, options,
		grpc.WithTransportCredentials(insecure.NewCredentials())))
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(patience, cancel)
	return connection{client, ctx}
}

// connect opens a client and logs in by password; headers are names and values.
func connect(arguments map[string]string, headers ...string) connection {
	c := dial(arguments["node"])
	user, password := arguments["user"], arguments["password"]
	ctx := must(c.Client.Client.AuthenticateBasicToken(c.ctx, user, password))
	c.ctx = metadata.AppendToOutgoingContext(ctx, headers...)
	return c
}

// elsewhere is the same login at the other node.
func elsewhere(arguments map[string]string) map[string]string {
	there := maps.Clone(arguments)
	there["node"] = arguments["other"]
	return there
}

// read is all batches of all endpoints of a plan.
func (c connection) read(info *flight.FlightInfo) []arrow.RecordBatch {
	var batches []arrow.RecordBatch
	for _, endpoint := range info.Endpoint {
		batches = append(batches, must(c.get(endpoint.Ticket))...)
	}
	return batches
}

func (c connection) get(ticket *flight.Ticket) ([]arrow.RecordBatch, error) {
	reader, err := c.DoGet(c.ctx, ticket)
	if err != nil {
		return nil, err
	}
	defer reader.Release()
	var batches []arrow.RecordBatch
	for reader.Next() {
		batch := reader.RecordBatch()
		batch.Retain()
		batches = append(batches, batch)
	}
	if err := reader.Err(); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return batches, nil
}

// rows is the answer of a plan, a list of values for each row.
func (c connection) rows(info *flight.FlightInfo, err error) [][]any {
	check(err)
	rows := [][]any{}
	for _, batch := range c.read(info) {
		for i := 0; i < int(batch.NumRows()); i++ {
			row := []any{}
			for _, column := range batch.Columns() {
				row = append(row, value(column, i))
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// query is the answer of a statement.
func (c connection) query(sql string) [][]any {
	return c.rows(c.Execute(c.ctx, sql))
}

// update runs statements that change something; how many rows the last one changed.
func (c connection) update(sqls ...string) int64 {
	changed := int64(0)
	for _, sql := range sqls {
		changed = must(c.ExecuteUpdate(c.ctx, sql))
	}
	return changed
}

// value is one value of a column, as JSON can tell it.
func value(column arrow.Array, i int) any {
	if column.IsNull(i) {
		return nil
	}
	switch typed := column.(type) {
	case *array.Int8, *array.Int16, *array.Int32, *array.Int64, *array.Uint8, *array.Uint16,
		*array.Uint32, *array.Boolean, *array.Float32, *array.Float64:
		return column.GetOneForMarshal(i)
	case *array.DenseUnion:
		return value(typed.Field(typed.ChildID(i)), int(typed.ValueOffset(i)))
	case array.ListLike:
		start, end := typed.ValueOffsets(i)
		values := []any{}
		for j := start; j < end; j++ {
			values = append(values, value(typed.ListValues(), int(j)))
		}
		return values
	}
	return column.ValueStr(i)
}

// failure is the gRPC code and the text of an error; nil for none.
func failure(err error) any {
	if err == nil {
		return nil
	}
	return record{"code": status.Code(err).String(), "message": err.Error()}
}

// batch makes one of columns that are slices.
func batch(schema *arrow.Schema, columns ...any) arrow.RecordBatch {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i, column := range columns {
		appended(builder.Field(i), column)
	}
	return builder.NewRecordBatch()
}

func appended(builder array.Builder, column any) {
	switch typed := builder.(type) {
	case *array.Int32Builder:
		typed.AppendValues(column.([]int32), nil)
	case *array.Int64Builder:
		typed.AppendValues(column.([]int64), nil)
	case *array.Float64Builder:
		typed.AppendValues(column.([]float64), nil)
	case *array.StringBuilder:
		for _, text := range column.([]string) {
			// The mark for a missing text.
			if text == "NULL" {
				typed.AppendNull()
			} else {
				typed.Append(text)
			}
		}
	case *array.BooleanBuilder:
		typed.AppendValues(column.([]bool), nil)
	default:
		for _, text := range column.([]string) {
			check(builder.AppendValueFromString(text))
		}
	}
}

func fields(pairs ...any) *arrow.Schema {
	var list []arrow.Field
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, arrow.Field{
			Name: pairs[i].(string), Type: pairs[i+1].(arrow.DataType), Nullable: true,
		})
	}
	return arrow.NewSchema(list, nil)
}

// columns tells names and types of a schema.
func columns(schema *arrow.Schema) []string {
	told := []string{}
	for _, field := range schema.Fields() {
		told = append(told, fmt.Sprintf("%s: %s", field.Name, field.Type))
	}
	return told
}
