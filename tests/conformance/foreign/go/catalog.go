package main

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql/schema_ref"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

func text(value string) *string { return &value }

func catalog(arguments map[string]string) {
	c := connect(arguments)
	c.update("CREATE SCHEMA shop",
		"CREATE TABLE shop.wares (id BIGINT NOT NULL, price DECIMAL(10,2), made DATE)",
		"COMMENT ON COLUMN shop.wares.price IS 'with tax'",
		"CREATE VIEW shop.cheap AS SELECT id FROM shop.wares")
	ofShop := func(types ...string) any {
		opts := &flightsql.GetTablesOpts{DbSchemaFilterPattern: text("shop"), TableTypes: types}
		return c.rows(c.GetTables(c.ctx, opts))
	}
	scenario("catalogs", func() any { return c.rows(c.GetCatalogs(c.ctx)) })
	scenario("schemas", func() any {
		opts := &flightsql.GetDBSchemasOpts{Catalog: text("memory"), DbSchemaFilterPattern: text("sh%")}
		return c.rows(c.GetDBSchemas(c.ctx, opts))
	})
	scenario("tables", func() any { return ofShop() })
	scenario("tables by type", func() any { return ofShop("VIEW") })
	scenario("table schema", func() any { return c.tableSchema() })
	scenario("table types", func() any { return c.rows(c.GetTableTypes(c.ctx)) })
	scenario("type info", func() any { return c.rows(c.GetXdbcTypeInfo(c.ctx, nil)) })
	scenario("type info of one type", func() any {
		integer := int32(4)
		return c.rows(c.GetXdbcTypeInfo(c.ctx, &integer))
	})
	scenario("server facts", func() any {
		facts := record{}
		for _, row := range c.rows(c.GetSqlInfo(c.ctx, []flightsql.SqlInfo{
			flightsql.SqlInfoFlightSqlServerName, flightsql.SqlInfoFlightSqlServerTransaction,
			flightsql.SqlInfoFlightSqlServerCancel, flightsql.SqlInfoFlightSqlServerBulkIngestion,
			flightsql.SqlInfoFlightSqlServerIngestTransactionsSupported, flightsql.SqlInfoFlightSqlServerSubstrait,
			flightsql.SqlInfoFlightSqlServerReadOnly, flightsql.SqlInfoIdentifierQuoteChar,
		})) {
			facts[names[flightsql.SqlInfo(row[0].(uint32))]] = row[1]
		}
		return facts
	})
	scenario("all server facts", func() any { return len(c.rows(c.GetSqlInfo(c.ctx, nil))) })
	schemas(c)
}

var names = map[flightsql.SqlInfo]string{
	flightsql.SqlInfoFlightSqlServerName:                        "name",
	flightsql.SqlInfoFlightSqlServerTransaction:                 "transaction",
	flightsql.SqlInfoFlightSqlServerCancel:                      "cancel",
	flightsql.SqlInfoFlightSqlServerBulkIngestion:               "ingest",
	flightsql.SqlInfoFlightSqlServerIngestTransactionsSupported: "ingest in transactions",
	flightsql.SqlInfoFlightSqlServerSubstrait:                   "substrait",
	flightsql.SqlInfoFlightSqlServerReadOnly:                    "read only",
	flightsql.SqlInfoIdentifierQuoteChar:                        "quote",
}

// tableSchema is what the schema that GetTables carries tells of its columns.
func (c connection) tableSchema() any {
	info := must(c.GetTables(c.ctx, &flightsql.GetTablesOpts{
		DbSchemaFilterPattern: text("shop"), TableNameFilterPattern: text("wares"), IncludeSchema: true,
	}))
	encoded := c.read(info)[0].Column(4).(*array.Binary).Value(0)
	schema := must(flight.DeserializeSchema(encoded, memory.DefaultAllocator))
	told := []any{}
	for _, field := range schema.Fields() {
		column := flightsql.ColumnMetadata{Data: &field.Metadata}
		kind, _ := column.TypeName()
		precision, _ := column.Precision()
		scale, _ := column.Scale()
		remarks, _ := column.Remarks()
		told = append(told, record{
			"name": field.Name, "arrow": field.Type.String(), "type": kind,
			"precision": precision, "scale": scale, "remarks": remarks, "nullable": field.Nullable,
		})
	}
	return told
}

// sameSchema compares what the node announces, plans and sends with the schema the client knows.
func (c connection) sameSchema(
	wanted *arrow.Schema, announced *flight.SchemaResult, planned *flight.FlightInfo,
) any {
	says := must(flight.DeserializeSchema(announced.Schema, memory.DefaultAllocator))
	plans := must(flight.DeserializeSchema(planned.Schema, memory.DefaultAllocator))
	reader := must(c.DoGet(c.ctx, planned.Endpoint[0].Ticket))
	defer reader.Release()
	return record{
		"announced": says.Equal(wanted),
		"planned":   plans.Equal(wanted),
		"sent":      reader.Schema().Equal(wanted),
	}
}

func schemas(c connection) {
	wares := flightsql.TableRef{DBSchema: text("shop"), Table: "wares"}
	tables, included := &flightsql.GetTablesOpts{}, &flightsql.GetTablesOpts{IncludeSchema: true}
	compare := func(
		name string, wanted *arrow.Schema,
		ask func() (*flight.SchemaResult, error), plan func() (*flight.FlightInfo, error),
	) {
		scenario("schema of "+name, func() any { return c.sameSchema(wanted, must(ask()), must(plan())) })
	}
	compare("catalogs", schema_ref.Catalogs,
		func() (*flight.SchemaResult, error) { return c.GetCatalogsSchema(c.ctx) },
		func() (*flight.FlightInfo, error) { return c.GetCatalogs(c.ctx) })
	compare("schemas", schema_ref.DBSchemas,
		func() (*flight.SchemaResult, error) { return c.GetDBSchemasSchema(c.ctx) },
		func() (*flight.FlightInfo, error) { return c.GetDBSchemas(c.ctx, &flightsql.GetDBSchemasOpts{}) })
	compare("tables", schema_ref.Tables,
		func() (*flight.SchemaResult, error) { return c.GetTablesSchema(c.ctx, tables) },
		func() (*flight.FlightInfo, error) { return c.GetTables(c.ctx, tables) })
	compare("tables with schema", schema_ref.TablesWithIncludedSchema,
		func() (*flight.SchemaResult, error) { return c.GetTablesSchema(c.ctx, included) },
		func() (*flight.FlightInfo, error) { return c.GetTables(c.ctx, included) })
	compare("table types", schema_ref.TableTypes,
		func() (*flight.SchemaResult, error) { return c.GetTableTypesSchema(c.ctx) },
		func() (*flight.FlightInfo, error) { return c.GetTableTypes(c.ctx) })
	compare("server facts", schema_ref.SqlInfo,
		func() (*flight.SchemaResult, error) { return c.GetSqlInfoSchema(c.ctx) },
		func() (*flight.FlightInfo, error) { return c.GetSqlInfo(c.ctx, nil) })
	compare("type info", schema_ref.XdbcTypeInfo,
		func() (*flight.SchemaResult, error) { return c.GetXdbcTypeInfoSchema(c.ctx) },
		func() (*flight.FlightInfo, error) { return c.GetXdbcTypeInfo(c.ctx, nil) })
	compare("primary keys", schema_ref.PrimaryKeys,
		func() (*flight.SchemaResult, error) { return c.GetPrimaryKeysSchema(c.ctx) },
		func() (*flight.FlightInfo, error) { return c.GetPrimaryKeys(c.ctx, wares) })
	compare("exported keys", schema_ref.ExportedKeys,
		func() (*flight.SchemaResult, error) { return c.GetExportedKeysSchema(c.ctx) },
		func() (*flight.FlightInfo, error) { return c.GetExportedKeys(c.ctx, wares) })
	compare("imported keys", schema_ref.ImportedKeys,
		func() (*flight.SchemaResult, error) { return c.GetImportedKeysSchema(c.ctx) },
		func() (*flight.FlightInfo, error) { return c.GetImportedKeys(c.ctx, wares) })
	compare("cross reference", schema_ref.CrossReference, // codespell:ignore crossreference
		func() (*flight.SchemaResult, error) { return c.GetCrossReferenceSchema(c.ctx) },
		func() (*flight.FlightInfo, error) { return c.GetCrossReference(c.ctx, wares, wares) })
}

func keys(arguments map[string]string) {
	c := connect(arguments)
	c.update("CREATE SCHEMA ledger",
		"CREATE TABLE ledger.accounts (country VARCHAR, number INTEGER, PRIMARY KEY (number, country))",
		"CREATE TABLE ledger.bookings (id INTEGER PRIMARY KEY, country VARCHAR, account INTEGER,"+
			" FOREIGN KEY (account, country) REFERENCES ledger.accounts (number, country))")
	accounts := flightsql.TableRef{Catalog: text("memory"), DBSchema: text("ledger"), Table: "accounts"}
	bookings := flightsql.TableRef{Catalog: text("memory"), DBSchema: text("ledger"), Table: "bookings"}
	scenario("primary key", func() any { return c.rows(c.GetPrimaryKeys(c.ctx, accounts)) })
	scenario("primary key by name alone", func() any {
		return c.rows(c.GetPrimaryKeys(c.ctx, flightsql.TableRef{Table: "bookings"}))
	})
	scenario("imported keys", func() any { return c.rows(c.GetImportedKeys(c.ctx, bookings)) })
	scenario("exported keys", func() any { return c.rows(c.GetExportedKeys(c.ctx, accounts)) })
	scenario("cross reference", func() any { return c.rows(c.GetCrossReference(c.ctx, accounts, bookings)) })
	scenario("cross reference backwards", func() any {
		return c.rows(c.GetCrossReference(c.ctx, bookings, accounts))
	})
}
