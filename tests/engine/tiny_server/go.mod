module gpuhost/tests/engine/tiny_server

go 1.21
