package app

// Rotate and SealedColumns are for the test of a rotation on a bare domain.
var (
	Rotate        = rotate
	KeepRoot      = keepRoot
	SealedColumns = sealedColumns
)
