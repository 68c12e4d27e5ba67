using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Tests.Gateway.Operators;

/// <summary>Who is no operator finds nothing, whatever stands in front, and with the key there is nothing else.</summary>
public sealed class DoorTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private static readonly string[] s_methods = ["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"];
    private static readonly string[] s_hosts = ["events.example", "localhost", "127.0.0.1", "[::1]:8081"];

    private static readonly (string Name, string Value)[][] s_headers =
    [
        [],
        [("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1"), ("Forwarded", "for=127.0.0.1;host=localhost"), ("X-Forwarded-Host", "localhost")],
        [("Authorization", $"Bearer {OperatorAccess.Key.Text}"), (RequestSignature.Header, ClusterKey.Requests.Sign("DELETE", "/topics/a", "r0", RequestPurpose.Operator))],
    ];

    [Theory]
    [InlineData("nginx")]
    [InlineData("nginx of before 1.29.7")]
    [InlineData("haproxy")]
    [InlineData("nothing")]
    [InlineData("nothing before the replica")]
    public async Task No_operators_route_is_there_for_who_comes_to_the_public_listener(string front)
    {
        var (gateway, replica) = await StartAsync();
        using (var published = await gateway.Client.PostAsync("/topics/kept/events", new StringContent("x"), Cancellation))
        {
            Assert.Equal(HttpStatusCode.Created, published.StatusCode);
        }

        await using var reader = await SseReader.OpenAsync(gateway.Client, "/events?topic=kept");
        var connection = (await reader.OpenedAsync()).GetProperty("connection").GetString()!;
        var address = front switch
        {
            "nginx" => Own(await FrontServer.NginxAsync(gateway.Address, http11: true)).Address,
            "nginx of before 1.29.7" => Own(await FrontServer.NginxAsync(gateway.Address)).Address,
            "haproxy" => Own(await FrontServer.HaproxyAsync(gateway.Address)).Address,
            "nothing" => gateway.Address,
            _ => replica.Address,
        };
        using var client = new HttpClient { BaseAddress = address };
        var found = new List<string>();
        foreach (var path in Paths(gateway.Services).Concat(Paths(replica.Services)).Append("/admin").Append("/admin/").Distinct().Select(path => path.Replace("{id}", connection, StringComparison.Ordinal)))
        {
            foreach (var method in path.StartsWith("/topics/", StringComparison.Ordinal) ? ["DELETE"] : s_methods)
            {
                foreach (var host in s_hosts)
                {
                    foreach (var headers in s_headers)
                    {
                        using var answer = await client.SendAsync(new HttpMethod(method), path, [.. headers, ("Host", host)]);
                        // A replica says to whoever signs that the signature does not count.
                        var isForged = front.EndsWith("replica", StringComparison.Ordinal) && headers.Any(header => header.Name == RequestSignature.Header);
                        if (answer.StatusCode != (isForged ? HttpStatusCode.Forbidden : HttpStatusCode.NotFound) || answer.Content.Headers.Allow.Count > 0)
                        {
                            found.Add($"{method} {path}, Host {host}: {(int)answer.StatusCode}");
                        }
                    }
                }
            }
        }

        Assert.True(found.Count == 0, string.Join('\n', found));
        using var options = await client.SendAsync(HttpMethod.Options, "/topics/kept");
        Assert.Equal(["GET", "HEAD", "OPTIONS"], options.Content.Headers.Allow.Order());
        using var log = await gateway.Client.GetAsync("/topics/kept/events", Cancellation);
        Assert.Equal(HttpStatusCode.OK, log.StatusCode);
        Assert.Equal(1, (await replica.Admin.GetFromJsonAsync<JsonElement>("/admin/topics/kept", Cancellation)).GetProperty("subscribers").GetInt32());
    }

    /// <summary>Not even for who has the key, and not for a page of the user's own that stands there.</summary>
    [Theory]
    [InlineData("/admin/topics")]
    [InlineData("/metrics")]
    public async Task No_spelling_of_a_path_of_operators_finds_one_on_a_public_listener(string path)
    {
        var (gateway, replica) = await StartAsync();
        var name = path[1..];
        string[] spellings =
        [
            path, $"/{path}", $"/.{path}", $"/x/..{path}", $"/%2e%2e{path}", $"/%2f{name}", $"/%5c{name}", $"/\\{name}", $"/%{(int)name[0]:x2}{name[1..]}", path.ToUpperInvariant(), $"{path}/", $"{path}.",
            $"{path}%20", $"{path}%00", path.Replace("admin/", "admin%2f", StringComparison.Ordinal), path.Replace("admin/", "admin//", StringComparison.Ordinal),
            path.Replace("admin/", "admin/./", StringComparison.Ordinal), path.Replace("admin/", "admin%5c", StringComparison.Ordinal), $"http://localhost{path}", $"http://localhost/{path}",
        ];
        foreach (var address in new[] { gateway.Address, replica.Address })
        {
            foreach (var spelling in spellings)
            {
                var answer = await RawHttp.AskAsync(
                    address, $"GET {spelling} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {OperatorAccess.Key.Text}\r\nConnection: close\r\n\r\n");
                Assert.True(answer.StartsWith("HTTP/1.1 404 ", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal), $"{spelling}: {answer}");
            }
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer wrong")]
    [InlineData("Basic {key}")]
    [InlineData("{key}")]
    [InlineData("Bearer {key}x")]
    [InlineData("Bearer {key}, Bearer {key}")]
    public async Task Whoever_has_not_the_key_gets_401_for_everything(string? authorization)
    {
        var (gateway, replica) = await StartAsync();
        foreach (var (services, address) in new[] { (gateway.Services, gateway.Admin.BaseAddress!), (replica.Services, replica.Admin.BaseAddress!) })
        {
            using var client = new HttpClient { BaseAddress = address };
            foreach (var path in Paths(services).Concat(["/health", "/alive", "/events?topic=a", "/topics/a/events", "/publish", "/relay", "/none", "/index.htm"]))
            {
                foreach (var method in s_methods)
                {
                    using var answer = await client.SendAsync(
                        new HttpMethod(method), path, authorization is null ? [] : [("Authorization", authorization.Replace("{key}", OperatorAccess.Key.Text, StringComparison.Ordinal))]);
                    Assert.True(answer.StatusCode == HttpStatusCode.Unauthorized, $"{method} {path}: {answer.StatusCode}");
                    Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
                    Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
                }
            }
        }
    }

    [Fact]
    public async Task With_the_key_there_is_what_operators_need_and_nothing_of_the_clients()
    {
        var (gateway, replica) = await StartAsync();
        foreach (var client in new[] { gateway.Admin, replica.Admin })
        {
            Assert.Contains("\"checks\":", await client.GetStringAsync("/health", Cancellation), StringComparison.Ordinal);
            Assert.Contains("sse_", await client.GetStringAsync("/metrics", Cancellation), StringComparison.Ordinal);
            using var alive = await client.GetAsync("/alive", Cancellation);
            Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
            foreach (var (method, path, status) in new[]
            {
                ("GET", "/events?topic=a", 404), ("POST", "/topics/a/events", 405), ("GET", "/topics/a/events", 405), ("POST", "/publish", 404),
                ("GET", "/topics/a", 405), ("GET", "/relay", 404), ("GET", "/none", 404),
            })
            {
                using var answer = await client.SendAsync(new HttpMethod(method), path);
                Assert.Equal((status, path), ((int)answer.StatusCode, path));
            }

            foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post })
            {
                using var foreign = await client.SendAsync(method, "/admin/topics", ("Origin", "https://evil.example"));
                Assert.Equal(HttpStatusCode.Forbidden, foreign.StatusCode);
                using var own = await client.SendAsync(HttpMethod.Get, "/admin/topics", ("Origin", client.BaseAddress!.GetLeftPart(UriPartial.Authority)));
                Assert.Equal(HttpStatusCode.OK, own.StatusCode);
            }
        }
    }

    [Fact]
    public async Task On_the_operators_listener_OPTIONS_and_a_wrong_method_say_what_a_path_takes()
    {
        var (gateway, replica) = await StartAsync();
        var wrong = new List<string>();
        foreach (var (services, client, files) in new[] { (gateway.Services, gateway.Admin, (string[])["/", "/operators.js", "/console.css"]), (replica.Services, replica.Admin, []) })
        {
            foreach (var path in Paths(services).Concat(files).Concat(["/health", "/alive", "/metrics"]))
            {
                using var options = await client.SendAsync(HttpMethod.Options, path);
                using var answer = await client.SendAsync(HttpMethod.Patch, path);
                if ((options.StatusCode, answer.StatusCode) != (HttpStatusCode.NoContent, HttpStatusCode.MethodNotAllowed)
                    || !options.Content.Headers.Allow.Contains("OPTIONS") || options.Content.Headers.Allow.Count < 2
                    || !options.Content.Headers.Allow.Order().SequenceEqual(answer.Content.Headers.Allow.Order()))
                {
                    wrong.Add($"{path}: {(int)options.StatusCode} {options.Content.Headers.Allow}, {(int)answer.StatusCode} {answer.Content.Headers.Allow}");
                }
            }

            foreach (var path in new[] { "/none", "/events", "/publish" })
            {
                using var none = await client.SendAsync(HttpMethod.Options, path);
                Assert.Equal((path, HttpStatusCode.NotFound), (path, none.StatusCode));
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task The_console_for_clients_has_no_operators_part_and_that_for_operators_holds_no_data()
    {
        var gateway = await GatewayAsync();
        using var operators = new HttpClient { BaseAddress = gateway.Admin.BaseAddress };

        var page = await gateway.Client.GetStringAsync("/", Cancellation) + await gateway.Client.GetStringAsync("/console.js", Cancellation);
        Assert.DoesNotContain("admin", page, StringComparison.OrdinalIgnoreCase);
        using var hidden = await gateway.Client.GetAsync("/operators.js", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, hidden.StatusCode);

        var html = await operators.GetStringAsync("/", Cancellation);
        Assert.DoesNotMatch("<script(?![^>]*src=)|<style|style=| on[a-z]+=|https?://", html);
        foreach (var file in new[] { "operators.js", "charts.js", "uPlot.esm.js", "uPlot.min.css", "alerts.txt", "common.js", "console.css", "icon.svg" })
        {
            using var response = await operators.GetAsync($"/{file}", Cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.StartsWith("default-src 'self'", Assert.Single(response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_a_listener_for_operators_there_are_none()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(("Admin:Urls", ""), ("Admin:KeyFile", "/dev/null/none"));

        Assert.Single(gateway.Addresses);
        using var answer = await gateway.Client.GetAsync("/admin/replicas", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("r1", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
    }

    /// <summary>What only operators may use, from the endpoints that the service has made.</summary>
    private static string[] Paths(IServiceProvider services)
    {
        string[] paths = [.. services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText is { } path
                && (path.StartsWith("/admin/", StringComparison.Ordinal) || path == "/metrics"
                    // A session is deleted by whoever has it.
                    || (path != "/session" && endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains("DELETE") == true)))
            .Select(endpoint => Filled(endpoint.RoutePattern))
            .Distinct()];
        Assert.True(paths.Length >= 7, string.Join(", ", paths));
        return paths;
    }

    private static string Filled(RoutePattern pattern) => "/" + string.Join('/', pattern.PathSegments.Select(segment => segment.Parts[0] switch
    {
        RoutePatternLiteralPart literal => literal.Content,
        RoutePatternParameterPart { Name: "topic" } => "kept",
        _ => "{id}",
    }));

    private async Task<(GatewayHost Gateway, EventsHost Replica)> StartAsync()
    {
        var replica = Own(await EventsHost.StartAsync(redis, null, ("Hosts:Allowed:0", s_hosts[0])));
        await Registry.WriteAsync(
            new ReplicaRecord { Id = replica.Get<ReplicaIdentity>().Id, Address = replica.Address, State = ReplicaState.Ready, Relay = RelayProtocol.Version }, announce: true, Cancellation);
        var gateway = await GatewayAsync(("Hosts:Allowed:0", s_hosts[0]));
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");
        return (gateway, replica);
    }
}
