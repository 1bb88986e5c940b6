package fault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/fault"
)

func TestKindAndCode(t *testing.T) {
	t.Parallel()
	gone := fault.New(fault.Absent, "thing.absent", "There is no thing %d.", 7)
	plain := errors.New("disk full")
	for _, tc := range []struct {
		name string
		err  error
		kind fault.Kind
		code string
	}{
		{"nothing", nil, 0, ""},
		{"a fault", gone, fault.Absent, "thing.absent"},
		{"a wrapped fault", fmt.Errorf("look: %w", gone), fault.Absent, "thing.absent"},
		{"a fault joined with another error", errors.Join(gone, plain), fault.Absent, "thing.absent"},
		{"an unexpected error", plain, fault.Internal, "internal"},
		{"a fault with a cause", gone.Because(plain), fault.Absent, "thing.absent"},
	} {
		if kind, code := fault.KindOf(tc.err), fault.CodeOf(tc.err); kind != tc.kind || code != tc.code {
			t.Errorf("%s: kind %d, code %q, want %d, %q", tc.name, kind, code, tc.kind, tc.code)
		}
	}
}

func TestBecauseAndOnAreCopies(t *testing.T) {
	t.Parallel()
	cause := errors.New("secret detail")
	first := fault.New(fault.Invalid, "thing.name", "The name has %d characters.", 3)
	second := first.On("name").Because(cause)
	if first.Field != "" || errors.Is(first, cause) {
		t.Errorf("the first has changed: %+v", first)
	}
	if second.Field != "name" || !errors.Is(second, cause) || second.Text != "The name has 3 characters." {
		t.Errorf("the second = %+v", second)
	}
	// The text is shown, the cause only logged.
	if strings.Contains(second.Text, "secret") || !strings.Contains(second.Error(), "secret detail") || !strings.HasPrefix(second.Error(), "thing.name: ") {
		t.Errorf("text %q, log %q", second.Text, second.Error())
	}
}
