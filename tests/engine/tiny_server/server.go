package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

type server struct {
	model    model
	keys     []string
	requests atomic.Int64
	prompt   atomic.Int64
	answered atomic.Int64
}

type chatRequest struct {
	Model    string `json:"model"`
	Stream   bool   `json:"stream"`
	Prompt   string `json:"prompt"`
	Messages []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	} `json:"messages"`
}

// newServer is the HTTP surface; as in vLLM a key guards /v1 only.
func newServer(model model, options options) http.Handler {
	s := &server{model: model, keys: options["api-key"]}
	if key := os.Getenv("VLLM_API_KEY"); key != "" {
		s.keys = append(s.keys, key)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/ping", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/version", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"version": version})
	})
	mux.HandleFunc("/metrics", s.metrics)
	mux.HandleFunc("/v1/models", s.guarded(s.models))
	mux.HandleFunc("/v1/completions", s.guarded(s.complete))
	mux.HandleFunc("/v1/chat/completions", s.guarded(s.complete))
	return mux
}

func (s *server) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if len(s.keys) > 0 && !slices.Contains(s.keys, key) {
			writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "Unauthorized"})
			return
		}
		next(w, r)
	}
}

func (s *server) models(w http.ResponseWriter, _ *http.Request) {
	data := []map[string]any{}
	for _, name := range s.model.names {
		data = append(data, map[string]any{
			"id": name, "object": "model", "created": time.Now().Unix(), "owned_by": "vllm",
			"root": s.model.directory, "max_model_len": s.model.maxTokens,
		})
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": data})
}

// complete answers a chat or a completion with what was asked.
func (s *server) complete(w http.ResponseWriter, r *http.Request) {
	var asked chatRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&asked); err != nil {
		writeError(w, http.StatusBadRequest, "BadRequestError", fmt.Sprintf("the body is not the JSON expected: %v", err))
		return
	}
	if asked.Model != "" && !slices.Contains(s.model.names, asked.Model) {
		writeError(w, http.StatusNotFound, "NotFoundError", fmt.Sprintf("The model `%s` does not exist. Valid aliases: %s",
			asked.Model, strings.Join(s.model.names, ", ")))
		return
	}
	text := asked.Prompt
	for _, message := range asked.Messages {
		text = message.Content
	}
	words := int64(len(strings.Fields(text)))
	s.requests.Add(1)
	s.prompt.Add(words)
	s.answered.Add(words)

	chat := strings.Contains(r.URL.Path, "chat")
	answer := map[string]any{"id": fmt.Sprintf("tiny-%d", s.requests.Load()), "created": time.Now().Unix(), "model": s.model.names[0]}
	usage := map[string]int64{"prompt_tokens": words, "completion_tokens": words, "total_tokens": 2 * words}
	choice := map[string]any{"index": 0, "finish_reason": "stop"}
	message := map[string]string{"role": "assistant", "content": text}
	switch {
	case chat && asked.Stream:
		answer["object"], choice["delta"] = "chat.completion.chunk", message
	case chat:
		answer["object"], choice["message"] = "chat.completion", message
	default:
		answer["object"], choice["text"] = "text_completion", text
	}
	answer["choices"] = []any{choice}
	if asked.Stream {
		w.Header().Set("Content-Type", "text/event-stream")
		chunk, _ := json.Marshal(answer)
		fmt.Fprintf(w, "data: %s\n\ndata: [DONE]\n\n", chunk)
		return
	}
	answer["usage"] = usage
	writeJSON(w, http.StatusOK, answer)
}

func (s *server) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=1.0.0; charset=utf-8")
	m := s.model
	fmt.Fprintf(w, "# TYPE vllm:cache_config_info gauge\nvllm:cache_config_info{block_size=\"%d\",cache_dtype=%q,"+
		"enable_prefix_caching=%q,engine=\"0\",kv_cache_max_concurrency=\"%v\",kv_cache_memory_bytes=\"%d\","+
		"kv_cache_size_tokens=\"%d\",num_gpu_blocks=\"%d\"} 1.0\n",
		m.blockTokens, m.cacheDType, title(m.prefixCached), float64(m.cacheTokens)/float64(m.maxTokens), m.cacheBytes,
		m.cacheTokens, m.cacheBlocks)
	gauge := func(name, kind string, value int64) {
		fmt.Fprintf(w, "# TYPE %s %s\n%s{engine=\"0\",model_name=%q} %d.0\n", name, kind, name, m.names[0], value)
	}
	gauge("vllm:num_requests_running", "gauge", 0)
	gauge("vllm:num_requests_waiting", "gauge", 0)
	gauge("vllm:request_success_total", "counter", s.requests.Load())
	gauge("vllm:prompt_tokens_total", "counter", s.prompt.Load())
	gauge("vllm:generation_tokens_total", "counter", s.answered.Load())
}

func title(value bool) string {
	if value {
		return "True"
	}
	return "False"
}

func writeError(w http.ResponseWriter, status int, kind, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{"message": message, "type": kind, "code": status}})
}

func writeJSON(w http.ResponseWriter, status int, content any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(content)
}
