module holdfast.invalid/toolchain/cluster/pause

go 1.26.0
