package jobs

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/adgang/adgang/internal/store"
)

// epochKey holds a random value as long as Redis keeps its memory.
const epochKey = "adgang:epoch"

// answerWithin bounds one question of the relay to Redis.
const answerWithin = 3 * time.Second

// Redis is the connection to the server that asynq keeps its queues in.
type Redis struct {
	client redis.UniversalClient
	server *miniredis.Miniredis // nil for a real one
	stop   context.CancelFunc
	ticks  sync.WaitGroup
}

// The client's own log repeats every failed dial; the relay tells of an outage
// once.
var silence = sync.OnceFunc(logging.Disable)

// FromURL prepares a connection to redis://, rediss:// or
// redis-sentinel://[:password@]host:port,host:port?master=NAME. It does not
// connect: Redis may be away.
func FromURL(text string) (*Redis, error) {
	silence()
	if strings.HasPrefix(text, "redis-sentinel://") {
		return fromSentinels(text)
	}
	option, err := redis.ParseURL(text)
	if err != nil {
		return nil, withoutURL(err)
	}
	option.ContextTimeoutEnabled = true
	return &Redis{client: redis.NewClient(option)}, nil
}

func fromSentinels(text string) (*Redis, error) {
	parsed, err := asynq.ParseRedisURI(text)
	if err != nil {
		return nil, withoutURL(err)
	}
	option, ok := parsed.(asynq.RedisFailoverClientOpt)
	if !ok || option.MasterName == "" {
		return nil, errors.New("a URL of sentinels names its master: ?master=NAME")
	}
	return &Redis{client: redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: option.MasterName, SentinelAddrs: option.SentinelAddrs,
		SentinelPassword: option.SentinelPassword, Password: option.SentinelPassword,
		ContextTimeoutEnabled: true,
	})}, nil
}

// withoutURL keeps the password in a URL out of the message.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// Embedded starts a server inside this process that nothing outside can reach. It
// forgets everything when the process ends, so it holds nothing of value.
func Embedded() *Redis {
	silence()
	server := miniredis.NewMiniRedis()
	client := redis.NewClient(&redis.Options{
		Addr:                  "embedded",
		ContextTimeoutEnabled: true,
		Dialer:                func(context.Context, string, string) (net.Conn, error) { return server.Dial() },
	})
	ctx, stop := context.WithCancel(context.Background())
	r := &Redis{client: client, server: server, stop: stop}
	r.ticks.Go(func() { age(ctx, server) })
	return r
}

// age lets keys expire: the embedded server has no clock of its own for that.
func age(ctx context.Context, server *miniredis.Miniredis) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			server.FastForward(time.Second)
		}
	}
}

func (r *Redis) embedded() bool { return r.server != nil }

// Ping asks Redis for a sign of life.
func (r *Redis) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	return r.client.Ping(ctx).Err()
}

// Close ends the connection, after Runner.Stop; the embedded server with it.
func (r *Redis) Close() error {
	err := r.client.Close()
	if r.embedded() {
		r.stop()
		r.ticks.Wait()
		r.server.Close()
	}
	return err
}

// epoch returns the value that stays the same as long as Redis keeps its memory,
// and makes one when there is none.
func (r *Redis) epoch(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	epoch, err := r.client.Get(ctx, epochKey).Result()
	if !errors.Is(err, redis.Nil) {
		return epoch, err
	}
	if err := r.client.SetNX(ctx, epochKey, store.NewID(), 0).Err(); err != nil {
		return "", err
	}
	return r.client.Get(ctx, epochKey).Result() // another node may have been first
}
