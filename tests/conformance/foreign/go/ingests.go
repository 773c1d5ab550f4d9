package main

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

type mode struct {
	missing  flightsql.TableDefinitionOptionsTableNotExistOption
	existing flightsql.TableDefinitionOptionsTableExistsOption
}

var (
	create = mode{
		flightsql.TableDefinitionOptionsTableNotExistOptionCreate,
		flightsql.TableDefinitionOptionsTableExistsOptionFail,
	}
	add = mode{
		flightsql.TableDefinitionOptionsTableNotExistOptionFail,
		flightsql.TableDefinitionOptionsTableExistsOptionAppend,
	}
	replace = mode{
		flightsql.TableDefinitionOptionsTableNotExistOptionCreate,
		flightsql.TableDefinitionOptionsTableExistsOptionReplace,
	}
	createOrAdd = mode{
		flightsql.TableDefinitionOptionsTableNotExistOptionCreate,
		flightsql.TableDefinitionOptionsTableExistsOptionAppend,
	}
)

func ingestInto(table string, how mode) *flightsql.ExecuteIngestOpts {
	return &flightsql.ExecuteIngestOpts{
		Table: table,
		TableDefinitionOptions: &flightsql.TableDefinitionOptions{
			IfNotExist: how.missing, IfExists: how.existing,
		},
	}
}

var numbered = fields("id", arrow.PrimitiveTypes.Int64, "name", arrow.BinaryTypes.String)

// numbers is a reader of so many rows, in batches of no more than a thousand.
func numbers(rows int) array.RecordReader {
	var batches []arrow.RecordBatch
	for first := 0; first == 0 || first < rows; first += 1000 {
		ids, names := []int64{}, []string{}
		for id := first; id < min(first+1000, rows); id++ {
			ids, names = append(ids, int64(id)), append(names, "a name for each row")
		}
		batches = append(batches, batch(numbered, ids, names))
	}
	return must(array.NewRecordReader(numbered, batches))
}

func ingests(arguments map[string]string) {
	c := connect(arguments)
	stored := func(table string) any {
		return c.query("SELECT count(*), coalesce(sum(id), 0)::BIGINT FROM " + table)[0]
	}
	ingest := func(table string, how mode, rows int) any {
		changed, err := c.ExecuteIngest(c.ctx, numbers(rows), ingestInto(table, how))
		return record{"changed": changed, "error": failure(err)}
	}
	scenario("ingest in every mode", func() any {
		return record{
			"add to nothing":   ingest("ingested", add, 1),
			"create":           ingest("ingested", create, 10),
			"create again":     ingest("ingested", create, 1),
			"add":              ingest("ingested", add, 5),
			"create or add":    ingest("ingested", createOrAdd, 5),
			"stored":           stored("ingested"),
			"replace":          ingest("ingested", replace, 3),
			"stored instead":   stored("ingested"),
			"create by adding": ingest("ingested_new", createOrAdd, 2),
			"stored newly":     stored("ingested_new"),
		}
	})
	scenario("ingest much", func() any {
		return record{"outcome": ingest("plenty", create, 300_000), "stored": stored("plenty")}
	})
	scenario("ingest no rows", func() any {
		return record{"outcome": ingest("hollow", create, 0), "stored": stored("hollow")}
	})
	scenario("ingest into a schema and a catalog", func() any {
		c.update("CREATE SCHEMA target", "ATTACH ':memory:' AS annex")
		opts := ingestInto("inside", create)
		opts.Schema = text("target")
		changed := []int64{must(c.ExecuteIngest(c.ctx, numbers(4), opts))}
		opts.Catalog, opts.Schema = text("annex"), text("main")
		changed = append(changed, must(c.ExecuteIngest(c.ctx, numbers(6), opts)))
		return record{
			"changed": changed,
			"schema":  stored("target.inside"), "catalog": stored("annex.main.inside"),
		}
	})
	scenario("ingest into a temporary table", func() any {
		opts := ingestInto("passing", create)
		opts.Temporary = true
		changed := must(c.ExecuteIngest(c.ctx, numbers(7), opts))
		other := connect(arguments)
		_, err := other.GetExecuteSchema(other.ctx, "SELECT * FROM passing")
		return record{"changed": changed, "stored": stored("passing"), "hidden": err != nil}
	})
	scenario("ingest in a transaction", func() any { return inTransaction(c) })
	scenario("ingest other types", func() any {
		c.update("CREATE TABLE narrow (id INTEGER, name VARCHAR)")
		return record{"outcome": ingest("narrow", add, 3), "stored": stored("narrow")}
	})
	scenario("ingest what does not fit", func() any {
		c.update("CREATE TABLE strict_ones (id BIGINT PRIMARY KEY, name VARCHAR)",
			"INSERT INTO strict_ones VALUES (7, 'x')")
		return record{"outcome": ingest("strict_ones", add, 20_000), "stored": stored("strict_ones")}
	})
	scenario("ingest compressed", func() any {
		opts, codec := ingestInto("packed", create), []ipc.Option{ipc.WithZstd()}
		changed := must(c.ExecuteIngestWithIPC(c.ctx, numbers(5000), opts, codec))
		return record{"changed": changed, "stored": stored("packed")}
	})
	scenario("ingest cancelled", func() any { return cancelled(arguments) })
}

func inTransaction(c connection) any {
	told := record{}
	for _, name := range []string{"committed_rows", "rolled_back_rows"} {
		c.update("CREATE TABLE " + name + " (id BIGINT, name VARCHAR)")
		transaction := must(c.BeginTransaction(c.ctx))
		opts := ingestInto(name, add)
		opts.TransactionId = transaction.ID()
		must(c.ExecuteIngest(c.ctx, numbers(2500), opts))
		before := c.query("SELECT count(*) FROM " + name)[0][0]
		if name == "committed_rows" {
			check(transaction.Commit(c.ctx))
		} else {
			check(transaction.Rollback(c.ctx))
		}
		told[name] = []any{before, c.query("SELECT count(*) FROM " + name)[0][0]}
	}
	return told
}

// cancelled gives up in the middle of an ingest; nothing of it may stay.
func cancelled(arguments map[string]string) any {
	c := connect(arguments)
	c.update("CREATE TABLE given_up (id BIGINT, name VARCHAR)")
	ctx, cancel := context.WithCancel(c.ctx)
	rows := array.ReaderFromIter(numbered, func(yield func(arrow.RecordBatch, error) bool) {
		all := numbers(20_000)
		for sent := 0; all.Next() && yield(all.RecordBatch(), nil); sent++ {
			if sent == 10 {
				cancel()
			}
		}
	})
	_, err := c.ExecuteIngest(ctx, rows, ingestInto("given_up", add))
	return record{
		"error": failure(err), "idle": ask("idle"), "stored": c.query("SELECT count(*) FROM given_up"),
	}
}
