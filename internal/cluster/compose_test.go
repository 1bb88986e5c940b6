package cluster_test

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/adgang/adgang/internal/cluster"
	"github.com/adgang/adgang/internal/config"
)

const root = "../../"

// nodes are the services that run the adgang binary, and the command of each.
var nodes = map[string]string{
	"migrate": "migrate", "api-1": "serve", "api-2": "serve", "worker-1": "work", "worker-2": "work",
}

// compose loads docker-compose.yml as `docker compose` does, with nothing set
// but the one variable that it demands.
func compose(t *testing.T) *types.Project {
	t.Helper()
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  root,
		ConfigFiles: []types.ConfigFile{{Filename: root + "docker-compose.yml"}},
		Environment: types.Mapping{"POSTGRES_PASSWORD": "secret"},
	}, func(o *loader.Options) { o.SetProjectName("adgang", true) })
	if err != nil {
		t.Fatalf("docker-compose.yml: %v", err)
	}
	return project
}

func TestComposeHasTheTopology(t *testing.T) {
	t.Parallel()
	project := compose(t)
	want := append(slices.Collect(maps.Keys(nodes)), "postgres", "redis", "proxy")
	if got := project.ServiceNames(); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("services = %v, want %v", got, want)
	}
	path, err := cluster.Binary(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, command := range nodes {
		if out, err := exec.CommandContext(t.Context(), path, command, "-h").CombinedOutput(); err != nil {
			t.Errorf("the binary has no command %s: %v: %s", command, err, out)
		}
		if got := project.Services[name].Command; !slices.Equal(got, types.ShellCommand{command}) {
			t.Errorf("command of %s = %v, want %s", name, got, command)
		}
		if image := project.Services[name].Image; image != project.Services["migrate"].Image {
			t.Errorf("image of %s = %s, which nothing builds", name, image)
		}
	}
	if build := project.Services["migrate"].Build; build == nil || !strings.Contains(build.DockerfileInline, `ENTRYPOINT ["adgang"]`) {
		t.Errorf("build of migrate = %+v, want a Dockerfile whose entry point is adgang", build)
	}
}

func TestComposeSetsWhatTheBinaryReads(t *testing.T) {
	t.Parallel()
	project := compose(t)
	for name := range nodes {
		service := project.Services[name]
		var environ []string
		for variable, value := range service.Environment {
			environ = append(environ, variable+"="+*value)
		}
		set := slices.Sorted(maps.Keys(service.Environment))
		if known := slices.Sorted(slices.Values(config.Variables)); !slices.Equal(set, known) {
			t.Errorf("%s sets %v, the binary reads %v", name, set, known)
		}
		read, err := config.Load(environ, false, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
		if err != nil {
			t.Errorf("environment of %s: %v", name, err)
			continue
		}
		if read.Embedded() || read.Loopback() {
			t.Errorf("%s has %q and listens on %q, want PostgreSQL and an address the proxy reaches", name, read.DatabaseURL, read.Addr)
		}
		if !slices.ContainsFunc(service.Secrets, func(s types.ServiceSecretConfig) bool {
			return "/run/secrets/"+s.Source == read.KeyFile && project.Secrets[s.Source].File != ""
		}) {
			t.Errorf("%s reads its master key from %s, which no secret puts there", name, read.KeyFile)
		}
		if subnet := project.Networks["default"].Ipam.Config[0].Subnet; len(read.Proxies) != 1 || read.Proxies[0].String() != subnet {
			t.Errorf("%s trusts proxies in %v, the containers are in %s", name, read.Proxies, subnet)
		}
	}
}

func TestComposeStartsInOrder(t *testing.T) {
	t.Parallel()
	project := compose(t)
	want := map[string]map[string]string{
		"migrate": {"postgres": types.ServiceConditionHealthy},
		"proxy":   {"api-1": types.ServiceConditionHealthy, "api-2": types.ServiceConditionHealthy},
	}
	for name := range nodes {
		if name != "migrate" {
			want[name] = map[string]string{"migrate": types.ServiceConditionCompletedSuccessfully, "redis": types.ServiceConditionHealthy}
		}
	}
	for name, conditions := range want {
		got := map[string]string{}
		for other, dependency := range project.Services[name].DependsOn {
			got[other] = dependency.Condition
			if check := project.Services[other].HealthCheck; dependency.Condition == types.ServiceConditionHealthy && check == nil {
				t.Errorf("%s waits for the health of %s, which has no health check", name, other)
			}
		}
		if !maps.Equal(got, conditions) {
			t.Errorf("%s waits for %v, want %v", name, got, conditions)
		}
	}
	for _, name := range []string{"api-1", "api-2"} {
		if check := project.Services[name].HealthCheck.Test; !strings.HasSuffix(check[len(check)-1], ":8080/readyz") {
			t.Errorf("health check of %s = %v, want /readyz", name, check)
		}
	}
}

func TestComposeProxyStandsBeforeTheNodes(t *testing.T) {
	t.Parallel()
	project := compose(t)
	proxy := project.Services["proxy"]
	file := project.Configs[proxy.Configs[0].Source].File
	conf, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("configuration of the proxy: %v", err)
	}
	var servers []string
	for _, match := range regexp.MustCompile(`(?m)^\s*server (\S+):8080 `).FindAllStringSubmatch(string(conf), -1) {
		servers = append(servers, match[1])
	}
	if !slices.Equal(servers, []string{"api-1", "api-2"}) {
		t.Errorf("%s sends to %v, want the two API nodes", file, servers)
	}
	if port := proxy.Ports[0]; port.Published != "8080" || port.Target != 8080 || port.HostIP != "127.0.0.1" {
		t.Errorf("the proxy is published on %s:%s to %d, want 127.0.0.1:8080 as in ADGANG_BASE_URL", port.HostIP, port.Published, port.Target)
	}
}
