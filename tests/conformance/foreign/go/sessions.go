package main

import (
	"encoding/json"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/protobuf/encoding/protojson"
)

// set sets session options; the errors by option.
func (c connection) set(values map[string]any) record {
	options := must(flight.NewSessionOptionValues(values))
	request := &flight.SetSessionOptionsRequest{SessionOptions: options}
	answer := must(c.SetSessionOptions(c.ctx, request))
	errors := record{}
	for name, each := range answer.GetErrors() {
		errors[name] = each.GetValue().String()
	}
	return errors
}

// options is the session's options, each in protobuf's JSON.
func (c connection) options() record {
	answer := must(c.GetSessionOptions(c.ctx, &flight.GetSessionOptionsRequest{}))
	options := record{}
	for name, each := range answer.GetSessionOptions() {
		var told any
		check(json.Unmarshal(must(protojson.Marshal(each)), &told))
		options[name] = told
	}
	return options
}

func sessions(arguments map[string]string) {
	scenario("session options at first", func() any { return connect(arguments).options() })
	scenario("catalog and schema of a session", func() any {
		c := connect(arguments)
		c.update("ATTACH ':memory:' AS attic", "CREATE SCHEMA attic.corner")
		errors := c.set(map[string]any{"catalog": "attic", "schema": "corner"})
		return record{
			"errors": errors, "options": c.options(),
			"here":      c.query("SELECT current_catalog(), current_schema()"),
			"elsewhere": connect(arguments).query("SELECT current_catalog()"),
		}
	})
	scenario("statement options of a session", func() any {
		c := connect(arguments)
		errors := c.set(map[string]any{
			"dialect": "mysql", "statement_timeout": "5s", "compression": "zstd", "endpoints": int64(2),
		})
		return record{
			"errors": errors, "options": c.options(),
			"answer": c.query("SELECT `a b` FROM (SELECT 1 AS `a b`) AS t"),
		}
	})
	scenario("unset session options", func() any {
		c := connect(arguments)
		c.set(map[string]any{"dialect": "mysql"})
		errors := c.set(map[string]any{"dialect": nil})
		return record{"errors": errors, "options": c.options()}
	})
	scenario("wrong session options", func() any {
		return connect(arguments).set(map[string]any{
			"no such option": "x", "catalog": "no such catalog", "schema": true,
			"dialect": "klingon", "statement_timeout": "soon", "endpoints": int64(1000),
		})
	})
	scenario("closed session", func() any {
		c := connect(arguments)
		c.update("CREATE TEMPORARY TABLE scratch (a INTEGER)")
		closed := must(c.CloseSession(c.ctx, &flight.CloseSessionRequest{}))
		_, err := c.GetExecuteSchema(c.ctx, "SELECT * FROM scratch")
		return record{"status": closed.GetStatus().String(), "gone": err != nil}
	})
	scenario("state of a session", func() any {
		c := connect(arguments)
		c.update("SET VARIABLE answer = 42", "CREATE TEMPORARY TABLE own (a INTEGER)")
		return c.query("SELECT getvariable('answer'), count(*) FROM own")
	})
}
