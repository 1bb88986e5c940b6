package cutover

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// SampleOptions say what a fictitious export is like. The same options always
// give the same bytes.
type SampleOptions struct {
	Rows   int
	Seed   uint64
	Others int // percent of the rows, 0 to 100, that are not active code cards: key files, hardware, blocked
}

const sampleHeader = "RID;Fornavn;Efternavn;E-mail;Telefon;CPR;Signaturtype;Status;P-nummer;SE-nummer;Medarbejdernummer\n"

// Sample writes an export of people who do not exist: UTF-8, semicolons,
// Danish headers, CPR numbers with 60 added to the day, telephone numbers that
// begin with 00. RIDs, CPR numbers and e-mail addresses are unique, and nobody
// shares name and birthday, for the first million rows.
func Sample(w io.Writer, o SampleOptions) error {
	b := bufio.NewWriter(w)
	_, _ = b.WriteString(sampleHeader)
	for i := range o.Rows {
		_, _ = b.WriteString(person(o.Seed, i, 0, o.Others).line())
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write the sample: %w", err)
	}
	return nil
}

// sampleRow holds the cells of one row in the order of sampleHeader.
type sampleRow [11]string

func (r sampleRow) line() string { return strings.Join(r[:], ";") + "\n" }

var (
	sampleGiven = strings.Fields(`Agnete Aksel Alberte Anders Anne Asbjørn Astrid Birgitte Bjørn Bo Carl Cecilie Christian Dagny
		Ditte Ebbe Ejnar Ellen Emil Esther Freja Frode Gorm Gry Hanne Henrik Holger Inge Ingrid Ivan Jens Jette Jørgen Karen Kåre
		Kirsten Knud Lærke Lars Line Lone Mads Maja Marie Mette Mikkel Naja Niels Nina Ole Pernille Peter Pia Poul Rasmus Rikke
		Rose Sanne Signe Sigurd Søren Søs Thea Thorkild Tine Tove Troels Ulla Vagn Vera Vibeke Viggo Åge Åse Østen`)
	sampleSurname = strings.Fields(`Aagaard Abildgård Andersen Ankjær Bang Bech Berg Bertelsen Bjerre Bojsen Brøndum Bundgaard Bæk
		Christensen Dahl Dalsgård Degn Ebbesen Egelund Enevoldsen Fabricius Falk Friis Frandsen Gade Gram Grønbæk Hald Hansen Hedegård
		Hjorth Holm Højgaard Iversen Jensen Juul Jørgensen Kjær Klausen Kofoed Krogh Lauridsen Lind Lund Lykke Madsen Munk Mølgaard
		Nielsen Nygård Nørgaard Odgaard Overgaard Pedersen Ploug Poulsen Quist Rasmussen Ravn Riis Rytter Schmidt Skov Skovgård
		Sørensen Thomsen Toft Trier Ulrik Vad Vestergaard Villadsen Winther Ørsted Østergaard Ågård`)
	sampleASCII = strings.NewReplacer("æ", "ae", "ø", "oe", "å", "aa", "Æ", "ae", "Ø", "oe", "Å", "aa")

	sampleFirstDay = time.Date(1945, 1, 1, 0, 0, 0, 0, time.UTC)
)

const (
	sampleDays    = 20_000 // births from 1945 to October 1999
	sampleSerials = 1_500  // of the 4,000 that mean 19xx; each series has its own
)

// person makes row i of a series (0 to 1). Whatever must be unique comes from i
// by arithmetic, the rest from a generator that starts anew in every row, so
// that no row depends on how many stand before it.
func person(seed uint64, i, series, others int) sampleRow {
	// Not crypto/rand: fictitious people must come out the same each time.
	rnd := rand.New(rand.NewPCG(seed, uint64(i)<<1|uint64(series))) //nolint:gosec // see above
	// Neighbours get days far apart; the same day comes again after 20,000 rows,
	// then with another serial and another name.
	day, lap := (i*7_919+int(seed%sampleDays))%sampleDays, i/sampleDays
	born := sampleFirstDay.AddDate(0, 0, day)
	perDay := rand.New(rand.NewPCG(seed, uint64(born.Unix()))) //nolint:gosec // as above
	serial := series*2_000 + (perDay.IntN(sampleSerials)+lap)%sampleSerials
	name := (perDay.IntN(1<<20) + lap + series*2_500) % (len(sampleGiven) * len(sampleSurname))
	given, surname := sampleGiven[name%len(sampleGiven)], sampleSurname[name/len(sampleGiven)]
	email := strings.ToLower(sampleASCII.Replace(given) + "." + sampleASCII.Replace(surname))
	number := i + 1 + series*5_000_000
	r := sampleRow{
		sampleRID(number, given, rnd), given, surname,
		fmt.Sprintf("%s.%d@nordvind.example", email, number),
		fmt.Sprintf("+45 00 %02d %02d %02d", rnd.IntN(100), rnd.IntN(100), rnd.IntN(100)),
		fmt.Sprintf("%02d%s-%04d", born.Day()+60, born.Format("0106"), serial),
		"Nøglekort", "Aktiv",
		strconv.Itoa(1_000_000_000 + int(seed%1000) + rnd.IntN(12)), strconv.Itoa(10_000_000 + int(seed%1000)),
		fmt.Sprintf("M%06d", number),
	}
	if rnd.IntN(100) < others {
		switch rnd.IntN(4) {
		case 0, 1:
			r[6] = "Nøglefil"
		case 2:
			r[6] = "Hardware"
		default:
			r[7] = "Spærret"
		}
	}
	return r
}

// sampleRID has one of the shapes that are seen: 8, 10 or 13 digits, letters
// of the employee's choice, or a UUID without dashes.
func sampleRID(number int, given string, rnd *rand.Rand) string {
	switch number % 8 {
	case 0:
		return fmt.Sprintf("%016x%016x", rnd.Uint64(), number)
	case 1, 2:
		return strconv.Itoa(1_290_000_000_000 + number*48_271)
	case 3:
		return strings.ToUpper(sampleASCII.Replace(given)) + strconv.Itoa(number)
	case 4:
		return strconv.Itoa(9_200_000_000 + number*7)
	default:
		return strconv.Itoa(40_000_000 + number)
	}
}
