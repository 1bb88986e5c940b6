// Package frontend embeds the built single-page application. Its source and its
// tools are beside this file and need Node; the Go build does not: without a
// built frontend the folder holds nothing but a placeholder.
package frontend

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files is the root of the built application: index.html and assets/. Without
// `make frontend` it has neither.
var Files = root()

func root() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a constant that go:embed has checked
	}
	return files
}
