package archtest_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The caps; medians are for reviewers.
const (
	fileLines     = 600
	functionLines = 80
)

// exceptions may be longer, each for the reason beside it: a file's path, or
// path:function.
var exceptions = map[string]string{}

func TestBudgetOfFilesAndFunctions(t *testing.T) {
	t.Parallel()
	for _, p := range inventory(t) {
		for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			if !strings.HasSuffix(name, ".gen.go") {
				checkGo(t, p.name()+"/"+name)
			}
		}
	}
}

func TestBudgetOfTheFrontend(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"frontend/src", "frontend/test", "frontend/e2e"} {
		err := fs.WalkDir(os.DirFS(root), dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || path == "frontend/src/api/schema.d.ts" {
				return err
			}
			if slices.Contains([]string{".ts", ".tsx", ".scss"}, filepath.Ext(path)) {
				checkLines(t, path, read(t, path))
			}
			return nil
		})
		if err != nil {
			t.Errorf("walk %s: %v", dir, err)
		}
	}
}

func checkGo(t *testing.T, path string) {
	t.Helper()
	source := read(t, path)
	checkLines(t, path, source)
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Errorf("parse %s: %v", path, err)
		return
	}
	for _, decl := range parsed.Decls {
		function, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		lines := files.Position(function.End()).Line - files.Position(function.Pos()).Line + 1
		name := path + ":" + function.Name.Name
		if lines > functionLines && exceptions[name] == "" {
			t.Errorf("%s has %d lines, at most %d", name, lines, functionLines)
		}
	}
}

func checkLines(t *testing.T, path string, source []byte) {
	t.Helper()
	lines := bytes.Count(source, []byte("\n"))
	if lines > fileLines && exceptions[path] == "" {
		t.Errorf("%s has %d lines, at most %d", path, lines, fileLines)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Errorf("read: %v", err)
	}
	return source
}
