package main

func transactions(arguments map[string]string) {
	c, other := connect(arguments), connect(arguments)
	count := func(table string) any { return other.query("SELECT count(*) FROM " + table)[0][0] }
	scenario("commit", func() any {
		c.update("CREATE TABLE committed (a INTEGER)")
		transaction := must(c.BeginTransaction(c.ctx))
		changed := must(transaction.ExecuteUpdate(c.ctx, "INSERT INTO committed VALUES (1), (2)"))
		inside := c.rows(transaction.Execute(c.ctx, "SELECT count(*) FROM committed"))
		before := count("committed")
		check(transaction.Commit(c.ctx))
		return record{"changed": changed, "inside": inside, "before": before, "after": count("committed")}
	})
	scenario("rollback", func() any {
		c.update("CREATE TABLE rolled_back (a INTEGER)")
		transaction := must(c.BeginTransaction(c.ctx))
		must(transaction.ExecuteUpdate(c.ctx, "INSERT INTO rolled_back VALUES (1)"))
		check(transaction.Rollback(c.ctx))
		return count("rolled_back")
	})
	scenario("prepared in a transaction", func() any {
		c.update("CREATE TABLE prepared_inside (a INTEGER)")
		transaction := must(c.BeginTransaction(c.ctx))
		statement := must(transaction.Prepare(c.ctx, "INSERT INTO prepared_inside VALUES (1)"))
		changed := must(statement.ExecuteUpdate(c.ctx))
		before := count("prepared_inside")
		check(transaction.Commit(c.ctx))
		return record{"changed": changed, "before": before, "after": count("prepared_inside")}
	})
	scenario("schema in a transaction", func() any {
		transaction := must(c.BeginTransaction(c.ctx))
		must(transaction.ExecuteUpdate(c.ctx, "CREATE TABLE only_inside (a INTEGER)"))
		_, inside := transaction.GetExecuteSchema(c.ctx, "SELECT * FROM only_inside")
		_, outside := other.GetExecuteSchema(other.ctx, "SELECT * FROM only_inside")
		check(transaction.Rollback(c.ctx))
		return record{"inside": failure(inside), "outside": failure(outside)}
	})
	scenario("ended transaction", func() any {
		transaction := must(c.BeginTransaction(c.ctx))
		// The client forgets a transaction that it ended, so the node is asked about it by ingesting.
		opts := ingestInto("ended", create)
		opts.TransactionId = transaction.ID()
		check(transaction.Commit(c.ctx))
		_, err := c.ExecuteIngest(c.ctx, numbers(1), opts)
		return failure(err)
	})
	scenario("savepoint", func() any {
		transaction := must(c.BeginTransaction(c.ctx))
		defer func() { check(transaction.Rollback(c.ctx)) }()
		_, err := transaction.BeginSavepoint(c.ctx, "here")
		return failure(err)
	})
}
