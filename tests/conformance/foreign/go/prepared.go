package main

import (
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
)

// ran is the answer of a prepared query.
func (c connection) ran(statement *flightsql.PreparedStatement) [][]any {
	return c.rows(statement.Execute(c.ctx))
}

func prepared(arguments map[string]string) {
	c := connect(arguments)
	integer, text := arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String
	scenario("prepared query", func() any {
		statement := must(c.Prepare(c.ctx, "SELECT ?::INTEGER * 2 AS twice, ?::VARCHAR AS text"))
		schema := fields("1", integer, "2", text)
		answers := []any{}
		for _, number := range []int32{1, 2} {
			statement.SetParameters(batch(schema, []int32{number}, []string{"x"}))
			answers = append(answers, c.ran(statement))
		}
		statement.SetParameters(batch(schema, []int32{3, 4}, []string{"y", "NULL"}))
		answers = append(answers, c.ran(statement))
		check(statement.Close(c.ctx))
		return answers
	})
	scenario("prepared schemas", func() any {
		c.update("CREATE TABLE forecast (id BIGINT, day DATE, degrees DOUBLE)")
		query := must(c.Prepare(c.ctx, "SELECT day, degrees FROM forecast WHERE id = ? AND day > ?"))
		change := must(c.Prepare(c.ctx, "INSERT INTO forecast VALUES (?, ?, ?)"))
		return record{
			"query": told(query), "change": told(change),
		}
	})
	scenario("prepared updates", func() any {
		c.update("CREATE TABLE stock (id INTEGER, name VARCHAR)")
		insert := must(c.Prepare(c.ctx, "INSERT INTO stock VALUES (?, ?)"))
		schema := fields("id", integer, "name", text)
		insert.SetParameters(batch(schema, []int32{1, 2, 3}, []string{"a", "b", "NULL"}))
		counts := []int64{must(insert.ExecuteUpdate(c.ctx))}
		remove := must(c.Prepare(c.ctx, "DELETE FROM stock WHERE id < 3"))
		counts = append(counts, must(remove.ExecuteUpdate(c.ctx)))
		return record{"counts": counts, "stored": c.query("SELECT id, name FROM stock")}
	})
	scenario("prepared update from a reader", func() any {
		c.update("CREATE TABLE streamed (id INTEGER)")
		insert := must(c.Prepare(c.ctx, "INSERT INTO streamed VALUES (?)"))
		schema := fields("id", integer)
		batches := []arrow.RecordBatch{batch(schema, []int32{1, 2}), batch(schema, []int32{3})}
		insert.SetRecordReader(must(array.NewRecordReader(schema, batches)))
		changed := must(insert.ExecuteUpdate(c.ctx))
		return []any{changed, c.query("SELECT count(*) FROM streamed")[0][0]}
	})
	scenario("prepared update is all or nothing", func() any {
		c.update("CREATE TABLE unique_ones (id INTEGER PRIMARY KEY)")
		insert := must(c.Prepare(c.ctx, "INSERT INTO unique_ones VALUES (?)"))
		insert.SetParameters(batch(fields("id", integer), []int32{1, 2, 1}))
		_, err := insert.ExecuteUpdate(c.ctx)
		return record{"error": failure(err), "stored": c.query("SELECT count(*) FROM unique_ones")}
	})
	scenario("prepared returning", func() any {
		c.update("CREATE TABLE numbered (id INTEGER)")
		insert := must(c.Prepare(c.ctx, "INSERT INTO numbered VALUES (?) RETURNING id + 1 AS next"))
		insert.SetParameters(batch(fields("id", integer), []int32{41}))
		update, _ := insert.IsUpdate()
		return record{"update": update, "rows": c.ran(insert)}
	})
	scenario("a closed handle", func() any {
		statement := must(c.Prepare(c.ctx, "SELECT 1"))
		check(statement.Close(c.ctx))
		_, err := statement.Execute(c.ctx)
		return err != nil
	})
	scenario("a handle on another node", func() any {
		statement := must(c.Prepare(c.ctx, "SELECT ?::INTEGER + 1 AS next"))
		there := connect(elsewhere(arguments))
		same := flightsql.NewPreparedStatement(there.Client, statement.Handle())
		same.SetParameters(batch(fields("1", integer), []int32{41}))
		return there.ran(same)
	})
	scenario("preparing an error", func() any {
		_, err := c.Prepare(c.ctx, "SELECT * FROM nowhere")
		return failure(err)
	})
	scenario("preparing an error with parameters", func() any {
		statement, err := c.Prepare(c.ctx, "SELECT * FROM nowhere WHERE a = ?")
		if err == nil {
			statement.SetParameters(batch(fields("1", integer), []int32{1}))
			_, err = statement.Execute(c.ctx)
		}
		return failure(err)
	})
	scenario("too few parameters", func() any {
		statement := must(c.Prepare(c.ctx, "SELECT ?::INTEGER + ?::INTEGER"))
		statement.SetParameters(batch(fields("1", integer), []int32{1}))
		_, err := statement.Execute(c.ctx)
		if errors.Is(err, io.EOF) {
			return "end of file"
		}
		return failure(err)
	})
}

// told is what preparing told of a statement.
func told(statement *flightsql.PreparedStatement) any {
	update, known := statement.IsUpdate()
	told := record{"update": update, "known": known}
	if schema := statement.ParameterSchema(); schema != nil {
		told["parameters"] = columns(schema)
	}
	if schema := statement.DatasetSchema(); schema != nil {
		told["result"] = columns(schema)
	}
	return told
}
