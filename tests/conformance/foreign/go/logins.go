package main

import (
	"encoding/base64"

	"google.golang.org/grpc/metadata"
)

func logins(arguments map[string]string) {
	scenario("login by password", func() any { return connect(arguments).query("SELECT 42") })
	scenario("login by token", func() any {
		c := dial(arguments["node"])
		c.ctx = metadata.AppendToOutgoingContext(c.ctx, "authorization", "Bearer "+arguments["token"])
		return c.query("SELECT 42")
	})
	scenario("login on every call", func() any {
		credentials := arguments["user"] + ":" + arguments["password"]
		encoded := base64.StdEncoding.EncodeToString([]byte(credentials))
		c := dial(arguments["node"])
		c.ctx = metadata.AppendToOutgoingContext(c.ctx, "authorization", "Basic "+encoded)
		return c.query("SELECT 42")
	})
	scenario("wrong password", func() any {
		c := dial(arguments["node"])
		_, err := c.Client.Client.AuthenticateBasicToken(c.ctx, arguments["user"], "wrong")
		return failure(err)
	})
	scenario("no login", func() any {
		c := dial(arguments["node"])
		_, err := c.Execute(c.ctx, "SELECT 1")
		return failure(err)
	})
	scenario("ticket of another node", func() any {
		here := connect(arguments)
		info := must(here.Execute(here.ctx, "SELECT 'portable' AS v"))
		return connect(elsewhere(arguments)).rows(info, nil)
	})
}
