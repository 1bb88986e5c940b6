package cutover_test

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/adgang/adgang/internal/cutover"
)

func sample(t testing.TB, o cutover.SampleOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := cutover.Sample(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSample(t *testing.T) {
	t.Parallel()
	// More than 20,000 rows, so that days of birth come again.
	file := sample(t, cutover.SampleOptions{Rows: 50_000, Seed: 7})
	r := read(t, file, true)
	if r.err != nil || len(r.records) != 50_000 {
		t.Fatalf("Read = %d good rows, %v", len(r.records), r.err)
	}
	same(t, "findings", brief(r.findings)[1:], nil)
	if f := r.findings[0]; f.Code != "cutover.row.cpr_test" {
		t.Errorf("first finding %+v, want the notice about fictitious CPR numbers", f)
	}
	shapes := map[int]int{}
	for _, rec := range r.records {
		shapes[len(rec.RID)]++
		if rec.Carrier != cutover.CodeCard || rec.Blocked || !strings.HasSuffix(rec.Email, ".example") || rec.CPR[0] < '6' {
			t.Fatalf("Record = %+v, want an active code card of a fictitious person", rec)
		}
	}
	if shapes[8] == 0 || shapes[10] == 0 || shapes[13] == 0 || shapes[32] == 0 || len(shapes) < 6 {
		t.Errorf("RIDs by length %v, want 8, 10, 13, 32 and letters", shapes)
	}
	if !bytes.HasPrefix(file, sample(t, cutover.SampleOptions{Rows: 100, Seed: 7})) {
		t.Error("the same seed gives other rows the second time")
	}
	if bytes.Equal(sample(t, cutover.SampleOptions{Rows: 100, Seed: 8}), sample(t, cutover.SampleOptions{Rows: 100, Seed: 7})) {
		t.Error("another seed gives the same rows")
	}
}

func TestSampleOthers(t *testing.T) {
	t.Parallel()
	r := read(t, sample(t, cutover.SampleOptions{Rows: 1000, Seed: 7, Others: 20}), true)
	kinds := map[string]int{}
	for _, rec := range r.records {
		switch {
		case rec.Blocked:
			kinds["blocked"]++
		default:
			kinds[string(rec.Carrier)]++
		}
	}
	if others := 1000 - kinds["code_card"]; r.err != nil || others < 150 || others > 250 || len(kinds) != 4 {
		t.Errorf("kinds %v, %v; want about 200 others of all kinds", kinds, r.err)
	}
}

func TestSampleMistakes(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := cutover.SampleMistakes(&b); err != nil {
		t.Fatal(err)
	}
	r := read(t, b.Bytes(), true)
	if r.err != nil || r.summary.Rows != 200 || r.bad < 30 || r.bad > 50 {
		t.Fatalf("Read = %+v, %d bad, %v; want 200 rows, most of them good", r.summary, r.bad, r.err)
	}
	var codes []string
	for _, f := range append(r.findings, r.summary.Findings...) {
		codes = append(codes, strings.TrimPrefix(f.Code, "cutover."))
	}
	slices.Sort(codes)
	same(t, "codes", slices.Compact(codes), []string{
		"file.unknown_column",
		"row.birth_date", "row.birth_mismatch", "row.birth_range", "row.control_character", "row.cpr", "row.cpr_dummy",
		"row.cpr_nine_digits", "row.cpr_test", "row.duplicate_cpr", "row.duplicate_rid", "row.email", "row.email_not_ascii",
		"row.encoding", "row.formula_error", "row.missing", "row.name", "row.p_number", "row.phone", "row.quote",
		"row.rewritten_number", "row.rid", "row.same_email", "row.same_person", "row.se_number", "row.signature_type",
		"row.status", "row.too_few_cells", "row.too_long_text", "row.too_many_cells",
	})
	ours := map[string]bool{}
	for _, rec := range r.records {
		ours[rec.RID], ours[rec.CPR], ours[rec.Email] = true, true, true
	}
	for _, rec := range read(t, sample(t, cutover.SampleOptions{Rows: 20_000, Seed: 1}), true).records {
		if ours[rec.RID] || ours[rec.CPR] || ours[rec.Email] {
			t.Fatalf("%+v stands in both samples", rec)
		}
	}
}

// BenchmarkRead reads 100,000 rows: rows/s, and MB of heap that live at the end.
func BenchmarkRead(b *testing.B) {
	const rows = 100_000
	csv := sample(b, cutover.SampleOptions{Rows: rows, Seed: 1})
	f := excelize.NewFile()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		b.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(csv)), "\n") {
		var cells []any
		for c := range strings.SplitSeq(line, ";") {
			cells = append(cells, c)
		}
		cell, _ := excelize.CoordinatesToCellName(1, i+1)
		_ = w.SetRow(cell, cells)
	}
	_ = w.Flush()
	var xlsx bytes.Buffer
	if err := f.Write(&xlsx); err != nil {
		b.Fatal(err)
	}
	for name, file := range map[string][]byte{"csv": csv, "xlsx": xlsx.Bytes()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for b.Loop() {
				seen := 0
				_, err := cutover.Read(b.Context(), bytes.NewReader(file), cutover.Options{Now: now, TestData: true}, func(cutover.Record, []cutover.Finding) error {
					if seen++; seen == rows {
						runtime.GC()
						runtime.ReadMemStats(&after)
					}
					return nil
				})
				if err != nil || seen != rows {
					b.Fatalf("Read = %d rows, %v", seen, err)
				}
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "live-MB")
		})
	}
}
