package sheet

import (
	"encoding/xml"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// numberFormat is what matters of a cell's number format: whether the number
// is a day, and to how many digits it is filled up with zeros.
type numberFormat struct {
	date  bool
	zeros string // format of zeros and dashes such as 000000-0000, or ""
}

// builtinDates are the built-in formats that show a day, those of East Asian
// locales included (ECMA-376 part 1, 18.8.30).
func builtinDate(id int) bool {
	return id >= 14 && id <= 17 || id == 22 || id >= 27 && id <= 36 || id >= 50 && id <= 58
}

var (
	formatNoise = regexp.MustCompile(`"[^"]*"|\[[^\]]*\]|\\.|_.|\*.`)
	formatZeros = regexp.MustCompile(`^0[0-]*0$`)
)

func formatOf(code string) numberFormat {
	if plain := strings.NewReplacer(`"`, "", `\`, "").Replace(code); formatZeros.MatchString(plain) {
		return numberFormat{zeros: plain}
	}
	bare := strings.ToLower(formatNoise.ReplaceAllString(code, ""))
	return numberFormat{date: strings.ContainsAny(bare, "dy") && !strings.Contains(bare, "general")}
}

// readFormats reads the number format of each cell style.
func (b *xlsxBook) readFormats(part string) ([]numberFormat, error) {
	in, err := b.open(part, maxPart)
	if err != nil {
		return nil, err
	}
	custom := map[string]numberFormat{}
	var formats []numberFormat
	cells := false // inside cellXfs, whose order is the style index
	err = in.each(func(t xml.StartElement) {
		switch t.Name.Local {
		case "numFmt":
			custom[attr(t, "numFmtId")] = formatOf(attr(t, "formatCode"))
		case "cellXfs":
			cells = true
		case "cellStyleXfs", "cellStyles", "dxfs":
			cells = false
		case "xf":
			if !cells {
				return
			}
			id := attr(t, "numFmtId")
			f, ok := custom[id]
			if n, err := strconv.Atoi(id); !ok && err == nil {
				f.date = builtinDate(n)
			}
			formats = append(formats, f)
		}
	})
	return slices.Clip(formats), err
}

// number is the text of a numeric cell: a day as 2006-01-02, an integer
// without an exponent, digits filled up where the format says so. Of 16 digits
// and more the program that wrote the file has lost some: these come with an
// exponent, which no column takes.
func (b *xlsxBook) number(raw, style string) string {
	v, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		return raw
	}
	var f numberFormat
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(b.formats) {
		f = b.formats[i]
	}
	if f.date {
		if day, ok := b.day(v); ok {
			return day.Format(time.DateOnly)
		}
		return raw
	}
	if math.Abs(v) >= 1e15 {
		return strconv.FormatFloat(v, 'E', -1, 64)
	}
	if v != math.Trunc(v) {
		return raw
	}
	digits := strconv.FormatInt(int64(v), 10)
	if f.zeros == "" || v < 0 {
		return digits
	}
	return fillIn(digits, f.zeros)
}

// fillIn puts digits into a format of zeros and dashes, from the right.
func fillIn(digits, zeros string) string {
	if missing := strings.Count(zeros, "0") - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	var out []byte
	d := len(digits) - 1
	for i := len(zeros) - 1; i >= 0; i-- {
		if zeros[i] == '-' {
			out = append(out, '-')
			continue
		}
		out = append(out, digits[d])
		d--
	}
	slices.Reverse(out)
	return digits[:d+1] + string(out)
}

// day turns a serial number into a day. In the calendar from 1900 the number
// 60 is a 29 February that never was, so the days before it count from one
// later.
func (b *xlsxBook) day(serial float64) (time.Time, bool) {
	n := int(math.Floor(serial))
	const last = 2_958_465 // 31 December 9999
	if serial < 0 || serial > last {
		return time.Time{}, false
	}
	switch {
	case b.date1904:
		return time.Date(1904, 1, 1+n, 0, 0, 0, 0, time.UTC), true
	case n < 1 || n == 60:
		return time.Time{}, false
	case n < 60:
		return time.Date(1899, 12, 31+n, 0, 0, 0, 0, time.UTC), true
	default:
		return time.Date(1899, 12, 30+n, 0, 0, 0, 0, time.UTC), true
	}
}
