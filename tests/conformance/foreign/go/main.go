// Drives arrow-go's Flight SQL client against real nodes; arguments are key=value.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
)

// record is what a scenario answers with.
type record map[string]any

var answers = bufio.NewReader(os.Stdin)

func say(line record) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}

// scenario runs one thing and reports what came of it.
func scenario(name string, run func() any) {
	defer func() {
		if failure := recover(); failure != nil {
			detail := fmt.Sprintf("%v\n%s", failure, debug.Stack())
			say(record{"scenario": name, "ok": false, "detail": detail})
		}
	}()
	say(record{"scenario": name, "ok": true, "values": run()})
}

// ask puts a question to the side that started this program.
func ask(question string) bool {
	say(record{"ask": question})
	answer, err := answers.ReadString('\n')
	check(err)
	return strings.TrimSpace(answer) == "true"
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// must is a value that came without an error.
func must[T any](value T, err error) T {
	check(err)
	return value
}

// atOnce runs so many workers and waits for all; the first failure becomes the caller's.
func atOnce(workers int, work func(int)) {
	failures := make(chan any, workers)
	for worker := range workers {
		go func() {
			defer func() { failures <- recover() }()
			work(worker)
		}()
	}
	for range workers {
		if failure := <-failures; failure != nil {
			panic(failure)
		}
	}
}

func main() {
	arguments := map[string]string{}
	for _, each := range os.Args[1:] {
		key, value, _ := strings.Cut(each, "=")
		arguments[key] = value
	}
	for _, family := range []func(map[string]string){
		logins, statements, prepared, transactions, catalog, keys, ingests, sessions, lifecycle,
	} {
		family(arguments)
	}
}
