package main

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

var wrong = map[string]string{
	"syntax":        "SELEC 1",
	"no such table": "SELECT * FROM nowhere.nothing",
	"conversion":    "SELECT 'x'::INTEGER",
	"late": "SELECT CASE WHEN range = 900000 THEN error('too late') ELSE range::VARCHAR END AS v" +
		" FROM range(1000000)",
	"file":  "SELECT * FROM read_csv('/no/such/file.csv')",
	"empty": " ",
}

func statements(arguments map[string]string) {
	c := connect(arguments)
	scenario("query", func() any {
		return c.query("SELECT 1 AS one, 'zwölf' AS text, 1.5::DOUBLE AS d, NULL::DATE AS n" +
			" UNION ALL SELECT 2, NULL, -1, DATE '2024-02-29' ORDER BY 1")
	})
	scenario("schema of a plan", func() any {
		info := must(c.Execute(c.ctx, "SELECT 1 AS one, 'x' AS text"))
		return record{
			"schema":    columns(must(flight.DeserializeSchema(info.Schema, memory.DefaultAllocator))),
			"endpoints": len(info.Endpoint),
		}
	})
	scenario("schema without running", func() any {
		answer := must(c.GetExecuteSchema(c.ctx, "SELECT range AS a, 'x' AS b FROM range(1000000000000)"))
		return columns(must(flight.DeserializeSchema(answer.Schema, memory.DefaultAllocator)))
	})
	scenario("updates", func() any {
		return []int64{
			c.update("CREATE TABLE changed (a INTEGER, b VARCHAR)"),
			c.update("INSERT INTO changed VALUES (1, 'x'), (2, 'y'), (3, 'z')"),
			c.update("UPDATE changed SET b = 'w' WHERE a > 1"),
			c.update("DELETE FROM changed WHERE a = 3"),
			c.query("SELECT count(*) FROM changed")[0][0].(int64),
		}
	})
	scenario("planned update", func() any {
		c.update("CREATE TABLE planned (a INTEGER)")
		info := must(c.Execute(c.ctx, "INSERT INTO planned VALUES (1), (2)"))
		return record{"total": info.TotalRecords, "stored": c.query("SELECT count(*) FROM planned")}
	})
	scenario("returning", func() any {
		c.update("CREATE TABLE returned (a INTEGER)")
		return c.query("INSERT INTO returned VALUES (10), (20) RETURNING a + 1 AS next")
	})
	scenario("several statements", func() any {
		c.update("CREATE TABLE several (a INTEGER); INSERT INTO several VALUES (1), (2)")
		return c.query("SELECT sum(a)::BIGINT FROM several")
	})
	scenario("big result", func() any { return c.big() })
	scenario("wide rows", func() any {
		batches := c.read(must(c.Execute(c.ctx, "SELECT repeat('x', 1000000) AS a FROM range(40)")))
		rows := int64(0)
		for _, batch := range batches {
			rows += batch.NumRows()
		}
		return record{"rows": rows, "several batches": len(batches) > 10}
	})
	scenario("several endpoints", func() any {
		c.update("CREATE TABLE parts AS SELECT range AS a FROM range(2000000)")
		four := connect(arguments, "x-flightkeeper-endpoints", "4")
		info := must(four.Execute(four.ctx, "SELECT a FROM parts"))
		return record{"endpoints": len(info.Endpoint), "total": total(four.read(info))}
	})
	scenario("several endpoints at once", func() any { return endpointsAtOnce(arguments) })
	for _, name := range []string{"lz4", "zstd"} {
		scenario("compression "+name, func() any { return compressed(arguments, name) })
	}
	scenario("dialect", func() any {
		mysql := connect(arguments, "x-flightkeeper-dialect", "mysql")
		return mysql.query("SELECT `a b`, IFNULL(NULL, 3) FROM (SELECT 1 AS `a b`) AS t")
	})
	for name, sql := range wrong {
		scenario("error "+name, func() any {
			info, err := c.Execute(c.ctx, sql)
			if err == nil {
				_, err = c.get(info.Endpoint[0].Ticket)
			}
			return failure(err)
		})
	}
	scenario("error of an update", func() any {
		_, err := c.ExecuteUpdate(c.ctx, "INSERT INTO nowhere VALUES (1)")
		return failure(err)
	})
	scenario("works after errors", func() any { return c.query("SELECT 1") })
}

// total counts rows and sums the first column.
func total(batches []arrow.RecordBatch) []int64 {
	rows, sum := int64(0), int64(0)
	for _, batch := range batches {
		rows += batch.NumRows()
		for i := range int(batch.NumRows()) {
			sum += value(batch.Column(0), i).(int64)
		}
	}
	return []int64{rows, sum}
}

func (c connection) big() any {
	sql := "SELECT range AS a, 'row number ' || range AS b, range / 7 AS c FROM range(1000000)"
	info := must(c.Execute(c.ctx, sql))
	batches := c.read(info)
	largest := 0
	for _, batch := range batches {
		var sent bytes.Buffer
		writer := ipc.NewWriter(&sent, ipc.WithSchema(batch.Schema()))
		check(writer.Write(batch))
		largest = max(largest, sent.Len())
	}
	return record{"total": total(batches), "below 4 MiB": largest < 4<<20}
}

func endpointsAtOnce(arguments map[string]string) any {
	c := connect(arguments, "x-flightkeeper-endpoints", "4")
	info := must(c.Execute(c.ctx, "SELECT a FROM parts WHERE a % 2 = 0"))
	totals := make([][]int64, len(info.Endpoint))
	atOnce(len(totals), func(i int) { totals[i] = total(must(c.get(info.Endpoint[i].Ticket))) })
	sum := []int64{0, 0}
	for _, each := range totals {
		sum[0] += each[0]
		sum[1] += each[1]
	}
	return sum
}

func compressed(arguments map[string]string, name string) any {
	c := connect(arguments, "x-flightkeeper-compression", name)
	return total(c.read(must(c.Execute(c.ctx, "SELECT range AS a FROM range(300000)"))))
}
