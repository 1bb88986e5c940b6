package cutover

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// Letter brings one employee the installation code on paper, the second way
// beside the mail with the link.
type Letter struct {
	Name      string
	RID       string
	Code      string    // as secret.Code returns it
	ExpiresAt time.Time // the day is shown in its own location
}

// LogValue keeps the code out of logs.
func (Letter) LogValue() slog.Value { return slog.StringValue("[hidden]") }

// Letterhead is what all letters of a print have in common.
type Letterhead struct {
	Organisation string
	BaseURL      string
	Language     string    // "da" or "en"; any other is Danish
	Date         time.Time // of the letters, shown in its own location
}

// Letters writes a PDF of A4 pages, one for each letter. Folded in three, the
// name stands in the window of a C5 or DL envelope and the code inside.
func Letters(w io.Writer, head Letterhead, letters []Letter) error {
	p, err := newPrinter(head)
	if err != nil {
		return err
	}
	for _, l := range letters {
		p.page(l)
	}
	if err := p.pdf.Output(w); err != nil {
		return fmt.Errorf("write the letters: %w", err)
	}
	return nil
}

// letterText is a letter in one language. The verbs of fmt stand for the name
// and the organisation.
type letterText struct {
	personal, title, greeting, intro, code, until string
	steps                                         []string
	warning, rid                                  string
	months                                        []string // nil for English
}

var letterTexts = map[string]letterText{
	"da": {
		personal: "Personligt",
		title:    "Din installationskode",
		greeting: "Kære %s",
		intro: "%s flytter sine medarbejdere fra nøglekort til nøglefil. For at oprette din nøglefil skal du bruge to ting: " +
			"linket i den e-mail, du har fået eller snart får fra Adgang, og koden i dette brev.",
		code:  "Installationskode",
		until: "Koden kan bruges én gang til og med den %s.",
		steps: []string{
			"Find e-mailen fra Adgang, og åbn linket i den. Kontrollér, at adressen begynder med %s",
			"Skriv installationskoden. Store og små bogstaver er lige gode, og bindestregerne kan udelades.",
			"Vælg en adgangskode til din nøglefil. Kun du kender den, og den kan ikke genskabes.",
			"Gem nøglefilen et sikkert sted. Derefter logger du på med den i stedet for nøglekortet.",
		},
		warning: "Giv aldrig koden til andre, heller ikke hvis de ringer eller skriver og siger, at de kommer fra Adgang eller fra din " +
			"it-afdeling. Har du ikke fået en e-mail, eller er koden udløbet, så spørg brugeradministratoren, hvor du arbejder.",
		rid:    "RID: %s",
		months: strings.Fields("januar februar marts april maj juni juli august september oktober november december"),
	},
	"en": {
		personal: "Personal",
		title:    "Your installation code",
		greeting: "Dear %s",
		intro: "%s is moving its employees from code cards to key files. To create your key file you need two things: " +
			"the link in the e-mail that Adgang has sent you or will send you soon, and the code in this letter.",
		code:  "Installation code",
		until: "The code can be used once, up to and including %s.",
		steps: []string{
			"Find the e-mail from Adgang and open its link. Check that the address begins with %s",
			"Type the installation code. Capital and small letters are the same, and the dashes can be left out.",
			"Choose a password for your key file. Only you know it, and it cannot be recovered.",
			"Keep the key file in a safe place. From then on you log in with it instead of the code card.",
		},
		warning: "Never give the code to anyone, not even to callers or writers who say that they are from Adgang or from your " +
			"IT department. If you have had no e-mail, or the code has expired, ask your organisation's user administrator.",
		rid: "RID: %s",
	},
}

func (t letterText) day(d time.Time) string {
	if t.months == nil {
		return d.Format("2 January 2006")
	}
	return fmt.Sprintf("%d. %s %d", d.Day(), t.months[d.Month()-1], d.Year())
}

// printer holds the document; lengths are millimetres, sizes points.
type printer struct {
	pdf  *fpdf.Fpdf
	head Letterhead
	text letterText
	face *sfnt.Font
	buf  sfnt.Buffer
}

const (
	marginLeft = 20.0
	textWidth  = 170.0
	foldFirst  = 99.0 // where a C5 or DL letter is folded
	foldSecond = 198.0
)

func newPrinter(head Letterhead) (*printer, error) {
	face, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("read the letter font: %w", err)
	}
	text, ok := letterTexts[head.Language]
	if !ok {
		text = letterTexts["da"]
	}
	p := &printer{pdf: fpdf.New("P", "mm", "A4", ""), head: head, text: text, face: face}
	p.pdf.SetMargins(marginLeft, 20, 20)
	p.pdf.SetCellMargin(0)
	p.pdf.SetAutoPageBreak(false, 0)
	// Copies: fpdf writes into what it gets, and letters are printed side by side.
	p.pdf.AddUTF8FontFromBytes("go", "", bytes.Clone(goregular.TTF))
	p.pdf.AddUTF8FontFromBytes("go", "B", bytes.Clone(gobold.TTF))
	p.pdf.AddUTF8FontFromBytes("mono", "B", bytes.Clone(gomonobold.TTF))
	p.pdf.SetTitle(text.title, true)
	p.pdf.SetAuthor(p.known(head.Organisation), true)
	p.pdf.SetCreationDate(head.Date)
	p.pdf.SetModificationDate(head.Date)
	return p, nil
}

// known is s in letters that the font has (Latin of Europe, Greek, Cyrillic):
// another accented letter loses its accent, any other becomes a question mark.
func (p *printer) known(s string) string {
	has := func(r rune) bool {
		i, err := p.face.GlyphIndex(&p.buf, r)
		return err == nil && i != 0
	}
	var b strings.Builder
	for _, r := range norm.NFC.String(s) {
		if !has(r) {
			base := []rune(norm.NFD.String(string(r)))[0]
			if r = '?'; has(base) {
				r = base
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (p *printer) page(l Letter) {
	p.pdf.AddPage()
	p.address(l)
	p.body(l)
	p.codeBox(l)
	p.steps()
	p.pdf.SetXY(marginLeft, 275)
	p.pdf.SetFont("go", "", 8)
	p.pdf.SetTextColor(90, 90, 90)
	p.pdf.CellFormat(textWidth, 4, p.known(fmt.Sprintf(p.text.rid, l.RID)), "", 0, "L", false, 0, "")
	p.pdf.SetTextColor(0, 0, 0)
}

// address fills the window, 20 to 110 mm from the left and 45 to 85 mm from
// the top, and sets the date and the marks for folding.
func (p *printer) address(l Letter) {
	p.pdf.SetXY(marginLeft, 52)
	p.pdf.SetFont("go", "B", 9)
	p.line(85, 5, p.text.personal)
	p.pdf.SetFont("go", "", 11)
	p.line(85, 5.5, l.Name)
	p.line(85, 5.5, p.head.Organisation)
	p.pdf.SetXY(130, 52)
	p.pdf.SetFont("go", "", 10)
	p.pdf.CellFormat(60, 5, p.text.day(p.head.Date), "", 0, "R", false, 0, "")
	p.pdf.SetDrawColor(170, 170, 170)
	for _, y := range []float64{foldFirst, foldSecond} {
		p.pdf.Line(4, y, 8, y)
	}
}

// line writes at most two lines of a text that is wider than width.
func (p *printer) line(width, height float64, s string) {
	lines := p.pdf.SplitText(p.known(s), width)
	for _, t := range lines[:min(len(lines), 2)] {
		p.pdf.CellFormat(width, height, t, "", 2, "L", false, 0, "")
	}
}

func (p *printer) body(l Letter) {
	p.pdf.SetXY(marginLeft, 106)
	p.pdf.SetFont("go", "B", 17)
	p.pdf.CellFormat(textWidth, 8, p.text.title, "", 2, "L", false, 0, "")
	p.pdf.SetFont("go", "", 11)
	p.pdf.Ln(3)
	p.paragraph(fmt.Sprintf(p.text.greeting, l.Name))
	p.paragraph(fmt.Sprintf(p.text.intro, p.head.Organisation))
}

func (p *printer) paragraph(s string) {
	p.pdf.SetX(marginLeft)
	p.pdf.MultiCell(textWidth, 5.5, p.known(s), "", "L", false)
	p.pdf.Ln(2.5)
}

func (p *printer) codeBox(l Letter) {
	const height = 30.0
	y := p.pdf.GetY() + 2
	p.pdf.SetFillColor(240, 243, 246)
	p.pdf.Rect(marginLeft, y, textWidth, height, "F")
	p.pdf.SetXY(marginLeft, y+4)
	p.pdf.SetFont("go", "", 9)
	p.pdf.CellFormat(textWidth, 4, p.text.code, "", 2, "C", false, 0, "")
	p.pdf.SetFont("mono", "B", 24)
	p.pdf.CellFormat(textWidth, 13, l.Code, "", 2, "C", false, 0, "")
	p.pdf.SetFont("go", "", 9)
	p.pdf.CellFormat(textWidth, 4, fmt.Sprintf(p.text.until, p.text.day(l.ExpiresAt)), "", 2, "C", false, 0, "")
	p.pdf.SetY(y + height + 6)
}

func (p *printer) steps() {
	p.pdf.SetFont("go", "", 11)
	for i, s := range p.text.steps {
		if strings.Contains(s, "%s") {
			s = fmt.Sprintf(s, p.head.BaseURL)
		}
		p.pdf.SetX(marginLeft)
		p.pdf.CellFormat(8, 5.5, fmt.Sprintf("%d.", i+1), "", 0, "L", false, 0, "")
		p.pdf.MultiCell(textWidth-8, 5.5, p.known(s), "", "L", false)
		p.pdf.Ln(1.5)
	}
	p.pdf.Ln(2)
	p.paragraph(p.text.warning)
}
