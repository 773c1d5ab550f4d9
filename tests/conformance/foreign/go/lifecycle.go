package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
)

const (
	// A million rows at once, and then each thousand takes the engine a while, for ever.
	endless = "SELECT a, CASE WHEN a < 1000000 THEN 0 ELSE list_sum(range(a - a + 20000)) END AS b" +
		" FROM range(1000000000000) t(a)"
	// Works for ever before its first row.
	silent = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3"
)

func lifecycle(arguments map[string]string) {
	c := connect(arguments)
	after := func(told record) any {
		told["idle"] = ask("idle")
		told["works afterwards"] = c.query("SELECT 1")
		return told
	}
	scenario("cancelled while planning", func() any {
		ctx, cancel := context.WithCancel(c.ctx)
		time.AfterFunc(time.Second, cancel)
		_, err := c.Execute(ctx, silent)
		return after(record{"error": failure(err)})
	})
	scenario("deadline while planning", func() any {
		ctx, cancel := context.WithTimeout(c.ctx, time.Second)
		defer cancel()
		_, err := c.Execute(ctx, silent)
		return after(record{"error": failure(err)})
	})
	scenario("cancelled while fetching", func() any {
		ctx, cancel := context.WithCancel(c.ctx)
		reader := must(c.DoGet(ctx, must(c.Execute(c.ctx, endless)).Endpoint[0].Ticket))
		first := reader.Next()
		cancel()
		return after(record{"first": first, "error": failure(drained(reader))})
	})
	scenario("cancelled update", func() any {
		c.update("CREATE TABLE unfinished (a BIGINT)")
		ctx, cancel := context.WithTimeout(c.ctx, time.Second)
		defer cancel()
		_, err := c.ExecuteUpdate(ctx, "INSERT INTO unfinished "+silent)
		return after(record{"error": failure(err), "stored": c.query("SELECT count(*) FROM unfinished")})
	})
	scenario("CancelFlightInfo", func() any {
		info := must(c.Execute(c.ctx, endless))
		reader := must(c.DoGet(c.ctx, info.Endpoint[0].Ticket))
		first := reader.Next()
		answer := must(c.CancelFlightInfo(c.ctx, &flight.CancelFlightInfoRequest{Info: info}))
		status, err := answer.GetStatus().String(), drained(reader)
		return after(record{"first": first, "status": status, "error": failure(err)})
	})
	scenario("CancelFlightInfo of a stranger's ticket", func() any {
		info := must(c.GetCatalogs(c.ctx))
		_, err := c.CancelFlightInfo(c.ctx, &flight.CancelFlightInfoRequest{Info: info})
		return failure(err)
	})
	scenario("CancelQuery", func() any {
		info := must(c.Execute(c.ctx, endless))
		return after(record{"result": must(c.CancelQuery(c.ctx, info)).String()})
	})
	scenario("statement timeout by header", func() any {
		own := connect(arguments, "x-flightkeeper-statement-timeout", "700ms")
		return after(record{"error": bounded(own)})
	})
	scenario("statement timeout of a session", func() any {
		own := connect(arguments)
		told := own.set(map[string]any{"statement_timeout": "700ms"})
		return after(record{"set": told, "error": bounded(own)})
	})
	scenario("RenewFlightEndpoint", func() any { return renewed(c) })
	scenario("PollFlightInfo", func() any {
		_, err := c.ExecutePoll(c.ctx, "SELECT 1", nil)
		return failure(err)
	})
	scenario("Substrait", func() any {
		plan := flightsql.SubstraitPlan{Plan: []byte("plan"), Version: "0.1"}
		_, executed := c.ExecuteSubstrait(c.ctx, plan)
		_, updated := c.ExecuteSubstraitUpdate(c.ctx, plan)
		_, prepared := c.PrepareSubstrait(c.ctx, plan)
		return record{
			"execute": failure(executed), "update": failure(updated), "prepare": failure(prepared),
		}
	})
	scenario("actions", func() any { return actions(c) })
	scenario("unknown action", func() any {
		stream := must(c.Client.Client.DoAction(c.ctx, &flight.Action{Type: "Dance"}))
		_, err := stream.Recv()
		return failure(err)
	})
	scenario("damaged ticket", func() any {
		_, err := c.DoGet(c.ctx, &flight.Ticket{Ticket: []byte("not a ticket")})
		return failure(err)
	})
	scenario("many at once", func() any { return manyAtOnce(c) })
}

// bounded is how an endless statement ends that the node should end.
func bounded(c connection) any {
	ctx, cancel := context.WithTimeout(c.ctx, 20*time.Second)
	defer cancel()
	_, err := c.Execute(ctx, silent)
	return failure(err)
}

func drained(reader *flight.Reader) error {
	for reader.Next() {
	}
	if err := reader.Err(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func renewed(c connection) any {
	info := must(c.Execute(c.ctx, "SELECT 'still here' AS v"))
	before := info.Endpoint[0]
	after := must(c.RenewFlightEndpoint(c.ctx, &flight.RenewFlightEndpointRequest{Endpoint: before}))
	return record{
		"expires":       before.ExpirationTime.IsValid() && after.ExpirationTime.IsValid(),
		"later":         !after.ExpirationTime.AsTime().Before(before.ExpirationTime.AsTime()),
		"in the future": after.ExpirationTime.AsTime().After(time.Now()),
		"rows":          c.rows(&flight.FlightInfo{Endpoint: []*flight.FlightEndpoint{after}}, nil),
	}
}

func actions(c connection) any {
	stream := must(c.Client.Client.ListActions(c.ctx, &flight.Empty{}))
	names := []string{}
	for {
		action, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return names
		}
		check(err)
		names = append(names, action.Type)
	}
}

func manyAtOnce(c connection) any {
	var mutex sync.Mutex
	sums := map[int64]int{}
	atOnce(8, func(worker int) {
		for range 20 {
			sql := fmt.Sprintf("SELECT sum(range)::BIGINT FROM range(%d000)", worker+1)
			sum := c.query(sql)[0][0].(int64)
			mutex.Lock()
			sums[sum]++
			mutex.Unlock()
		}
	})
	return sums
}
