// STAND-IN for vLLM, for tests in which vLLM itself is not the point.
//
// It takes the command line of `vllm serve MODEL [flags]`, is up within milliseconds, and speaks the part of
// vLLM's HTTP surface that provisioning needs. The answer to a chat is an echo; the KV cache is computed from
// the model's config.json and --kv-cache-memory-bytes by vLLM's arithmetic, never allocated.
//
// How it should misbehave comes from the environment variable FAIL, else from a file FAIL in the model's
// directory:
//
//	never_healthy   writes log lines, never listens
//	crash           writes an error and exits 1 at once
//	slow:N          listens after N seconds
//	exit_after:N    serves for N seconds, then writes an error and exits 1
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const version = "0.32.0"

func main() {
	go exitOnSignal()
	if filepath.Base(os.Args[0]) == "python3" {
		asPython(os.Args[1:])
	}
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(version)
		return
	}
	if len(os.Args) < 3 || os.Args[1] != "serve" || strings.HasPrefix(os.Args[2], "-") {
		fmt.Fprintln(os.Stderr, "usage: vllm serve MODEL [--flag value ...]")
		os.Exit(2)
	}
	options := parseOptions(os.Args[3:])
	model, err := loadModel(os.Args[2], options)
	if err != nil {
		die("%v", err)
	}
	logf("STAND-IN for vLLM %s: args %q", version, os.Args[1:])

	behaviour, seconds, err := readBehaviour(model.directory)
	if err != nil {
		die("%v", err)
	}
	switch behaviour {
	case "never_healthy":
		for {
			logf("Loading model weights, still waiting (FAIL=never_healthy)")
			time.Sleep(time.Second)
		}
	case "crash":
		die("Engine core initialization failed (FAIL=crash)")
	case "slow":
		logf("Loading model weights takes %v (FAIL=slow)", seconds)
		time.Sleep(seconds)
	case "exit_after":
		time.AfterFunc(seconds, func() { die("EngineDeadError after %v (FAIL=exit_after)", seconds) })
	}

	address := options.text("host", "0.0.0.0") + ":" + options.text("port", "8000")
	logf("GPU KV cache size: %d tokens", model.cacheTokens)
	logf("Application startup complete, listening on http://%s", address)
	die("%v", http.ListenAndServe(address, newServer(model, options)))
}

// readBehaviour tells what FAIL asks for, and for how long where that matters.
func readBehaviour(modelDirectory string) (string, time.Duration, error) {
	asked := os.Getenv("FAIL")
	if asked == "" {
		content, _ := os.ReadFile(filepath.Join(modelDirectory, "FAIL"))
		asked = strings.TrimSpace(string(content))
	}
	name, count, timed := strings.Cut(asked, ":")
	switch {
	case asked == "", asked == "never_healthy", asked == "crash":
		return asked, 0, nil
	case timed && (name == "slow" || name == "exit_after"):
		if seconds, err := strconv.ParseFloat(count, 64); err == nil && seconds >= 0 {
			return name, time.Duration(seconds * float64(time.Second)), nil
		}
	}
	return "", 0, fmt.Errorf("FAIL is %q, not one of never_healthy, crash, slow:SECONDS, exit_after:SECONDS", asked)
}

// exitOnSignal ends at once: as process 1 of a container there is no default action for these signals.
func exitOnSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	logf("Shutting down on signal: %v", <-signals)
	os.Exit(0)
}

func logf(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "INFO %s [tiny_server] %s\n", time.Now().UTC().Format("01-02 15:04:05"), fmt.Sprintf(format, values...))
}

func die(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "ERROR %s [tiny_server] %s\n", time.Now().UTC().Format("01-02 15:04:05"), fmt.Sprintf(format, values...))
	os.Exit(1)
}
