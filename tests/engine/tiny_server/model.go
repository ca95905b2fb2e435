package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// model is what the server tells about the model directory it was given and the cache it would have.
type model struct {
	directory    string
	names        []string
	maxTokens    int64
	cacheBytes   int64
	blockTokens  int64
	cacheBlocks  int64
	cacheTokens  int64
	cacheDType   string
	prefixCached bool
}

// loadModel reads config.json; a directory without one serves as a model of one layer, a path that is missing fails.
func loadModel(directory string, options options) (model, error) {
	config := struct {
		Layers   int64 `json:"num_hidden_layers"`
		KVHeads  int64 `json:"num_key_value_heads"`
		HeadDim  int64 `json:"head_dim"`
		Hidden   int64 `json:"hidden_size"`
		Heads    int64 `json:"num_attention_heads"`
		Position int64 `json:"max_position_embeddings"`
	}{Layers: 1, KVHeads: 1, HeadDim: 64, Position: 32768}

	if _, err := os.Stat(directory); err != nil {
		return model{}, fmt.Errorf("model directory: %w", err)
	}
	content, err := os.ReadFile(filepath.Join(directory, "config.json"))
	if err == nil {
		config.HeadDim = 0
		err = json.Unmarshal(content, &config)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return model{}, fmt.Errorf("config.json: %w", err)
	}
	if config.HeadDim == 0 && config.Heads > 0 {
		config.HeadDim = config.Hidden / config.Heads
	}

	loaded := model{
		directory:  directory,
		names:      options["served-model-name"],
		cacheDType: options.text("kv-cache-dtype", "auto"),
	}
	if len(loaded.names) == 0 {
		loaded.names = []string{directory}
	}
	_, disabled := options["no-enable-prefix-caching"]
	loaded.prefixCached = !disabled
	if loaded.maxTokens, err = options.size("max-model-len", config.Position); err != nil {
		return model{}, err
	}
	if loaded.cacheBytes, err = options.size("kv-cache-memory-bytes", 64<<20); err != nil {
		return model{}, err
	}
	if loaded.blockTokens, err = options.size("block-size", 128); err != nil {
		return model{}, err
	}

	elementBytes := int64(2)
	if loaded.cacheDType != "auto" && loaded.cacheDType != "float16" && loaded.cacheDType != "bfloat16" {
		elementBytes = 1
	}
	blockBytes := 2 * config.Layers * config.KVHeads * config.HeadDim * elementBytes * loaded.blockTokens
	if blockBytes <= 0 {
		return model{}, fmt.Errorf("config.json or --block-size: a block of the cache has %d bytes, must be positive", blockBytes)
	}
	loaded.cacheBlocks = loaded.cacheBytes / blockBytes
	loaded.cacheTokens = loaded.cacheBlocks * loaded.blockTokens
	if loaded.cacheTokens < loaded.maxTokens {
		return model{}, fmt.Errorf("the KV cache holds %d tokens, fewer than max_model_len %d; raise --kv-cache-memory-bytes",
			loaded.cacheTokens, loaded.maxTokens)
	}
	return loaded, nil
}
