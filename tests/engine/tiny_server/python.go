package main

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

var url = regexp.MustCompile(`http://[^'"]+`)

// asPython stands in for the Python that every vLLM image has: called as python3, the program fetches the
// URL in its code, if there is one, and exits with 1 unless the answer is 200. That is what the container's
// health check and the trial before a handover ask of it. Code that ends in `vllm serve` is the start with an
// API key: its first argument is the key's file, the others are vLLM's.
func asPython(arguments []string) {
	if len(arguments) > 3 && arguments[0] == "-c" && strings.Contains(arguments[1], "'vllm', 'serve'") {
		serveWithKey(arguments[2], arguments[3:])
	}
	if len(arguments) != 2 || arguments[0] != "-c" {
		die("STAND-IN for python3: only `python3 -c CODE`, not %q", arguments)
	}
	target := url.FindString(arguments[1])
	if target == "" {
		os.Exit(0)
	}
	client := http.Client{Timeout: 4 * time.Second}
	answer, err := client.Get(target)
	if err != nil || answer.StatusCode != http.StatusOK {
		os.Exit(1)
	}
	os.Exit(0)
}

func serveWithKey(file string, arguments []string) {
	content, err := os.ReadFile(file)
	if err != nil {
		die("%v", err)
	}
	key := strings.TrimSpace(string(content))
	if key == "" {
		die("the API key file is empty")
	}
	program, err := exec.LookPath("vllm")
	if err != nil {
		die("%v", err)
	}
	environment := append(os.Environ(), "VLLM_API_KEY="+key)
	die("%v", syscall.Exec(program, append([]string{"vllm", "serve"}, arguments...), environment))
}
