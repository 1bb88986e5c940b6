// Package fault is the one error type that domain packages return on purpose:
// a kind, a stable code and a sentence that is safe to show to the person who
// asked. Every other error is unexpected, counts as Internal and shows nothing.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what went wrong in the terms a caller can act on. web maps it to a
// status, jobs to retry or give up.
type Kind int

// The six kinds. The zero Kind means that nothing failed.
const (
	Invalid     Kind = iota + 1 // the input cannot be right: 422
	Denied                      // the actor may not do this: 403
	Absent                      // there is no such thing here: 404
	Conflict                    // the state of things forbids it: 409
	Unavailable                 // something outside is away, try again: 503
	Internal                    // our own mistake: 500, no detail shown
)

// Error is an expected failure. Code is stable once released and has the form
// "package.noun.reason"; Text is a whole English sentence.
type Error struct {
	Kind Kind
	Code string
	Text string
	// Field names the input the failure is about, "" when it is about none.
	Field string
	cause error
}

// New returns an expected failure; text and args as in fmt.Sprintf.
func New(kind Kind, code, text string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Text: fmt.Sprintf(text, args...)}
}

// Because returns a copy of e that wraps cause, for the log only.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// On returns a copy of e that names the input field it is about.
func (e *Error) On(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

func (e *Error) Error() string {
	if e.cause != nil {
		return e.Code + ": " + e.Text + " (" + e.cause.Error() + ")"
	}
	return e.Code + ": " + e.Text
}

func (e *Error) Unwrap() error { return e.cause }

// KindOf returns the kind of err: 0 for nil, Internal for an error that is not
// an *Error.
func KindOf(err error) Kind {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// CodeOf returns the stable code of err, "internal" when it carries none and ""
// for nil.
func CodeOf(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return "internal"
}
