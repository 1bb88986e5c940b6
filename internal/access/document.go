package access

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Document is the role table as docs/roles.md has it; the test of this package
// fails when the file is another, and rewrites it with -update.
func Document() []byte {
	columns := append([]Role{User}, UserAdministrator, RightsAdministrator, OrganisationAdministrator, TrustedEmployee)
	var b bytes.Buffer
	b.WriteString("# What each role may do\n\n<!-- Made from internal/access/role.go: go test ./internal/access -update -->\n\n")
	b.WriteString("Roles are additive: whoever has two may do what either may. Every active employee is a user; the other four are\n" +
		"given by an organisation administrator. The source is a page of MitID Erhverv, below; without one it is Adgang's own\nreading, the stricter where pages are silent.\n\n")
	b.WriteString("| capability | right |")
	for _, role := range columns {
		b.WriteString(" " + role.Name("en") + " |")
	}
	b.WriteString(" source |\n|---|---|" + strings.Repeat("---|", len(columns)+1) + "\n")
	for _, line := range slices.Concat(Self, Table) {
		right := ""
		if line.Right != "" {
			right = "`" + string(line.Right) + "`"
		}
		fmt.Fprintf(&b, "| %s | %s |", line.Text, right)
		for _, role := range columns {
			yes := ""
			if slices.Contains(line.Roles, role) {
				yes = "yes"
			}
			b.WriteString(" " + yes + " |")
		}
		b.WriteString(" " + line.Source + " |\n")
	}
	b.WriteString("\n## Sources\n\n")
	for _, key := range slices.Sorted(maps.Keys(Sources)) {
		fmt.Fprintf(&b, "- %s: <%s>\n", key, Sources[key])
	}
	return b.Bytes()
}
