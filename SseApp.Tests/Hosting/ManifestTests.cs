using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace SseApp.Tests.Hosting;

public sealed class ManifestTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sseapp-manifest-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task AProject_HasItsPathAndBindings_AndOneEntryWhateverItsReplicas()
    {
        var resources = await PublishAsync(builder => builder.AddProject<TestProject>("web").WithReplicas(3).WithExternalHttpEndpoints());

        var web = resources.GetProperty("web");
        Assert.Equal("project.v0", web.GetProperty("type").GetString());
        Assert.EndsWith("web/web.csproj", web.GetProperty("path").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("\\", web.GetProperty("path").GetString()!, StringComparison.Ordinal);
        var http = web.GetProperty("bindings").GetProperty("http");
        Assert.Equal("http", http.GetProperty("scheme").GetString());
        Assert.Equal("tcp", http.GetProperty("protocol").GetString());
        Assert.Equal("http", http.GetProperty("transport").GetString());
        Assert.True(http.GetProperty("external").GetBoolean());
        Assert.False(http.TryGetProperty("targetPort", out _));
        Assert.Equal("{web.bindings.http.targetPort}", Env(web, "HTTP_PORTS"));
        Assert.Equal("true", Env(web, "ASPNETCORE_FORWARDEDHEADERS_ENABLED"));
        Assert.Equal("in_memory", Env(web, "OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"));
        Assert.False(web.GetProperty("env").TryGetProperty("FROM_PROFILE", out _), "A launch profile is for running locally.");
        Assert.Single(resources.EnumerateObject());
    }

    [Fact]
    public async Task Redis_IsAContainerWithAGeneratedSecretPassword()
    {
        var resources = await PublishAsync(builder => builder.AddRedis("redis").WithDataVolume("data"));

        var redis = resources.GetProperty("redis");
        Assert.Equal("container.v0", redis.GetProperty("type").GetString());
        Assert.StartsWith("docker.io/library/redis:", redis.GetProperty("image").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("{redis.bindings.tcp.host}:{redis.bindings.tcp.port},password={redis-password.value}", redis.GetProperty("connectionString").GetString(), StringComparison.Ordinal);
        Assert.Equal("{redis-password.value}", Env(redis, "REDIS_PASSWORD"));
        Assert.Equal("/bin/sh", redis.GetProperty("entrypoint").GetString());
        Assert.Equal("redis-server --requirepass $REDIS_PASSWORD --save 60 1", redis.GetProperty("args")[1].GetString());
        Assert.Equal(6379, redis.GetProperty("bindings").GetProperty("tcp").GetProperty("targetPort").GetInt32());
        Assert.Equal("/data", redis.GetProperty("volumes")[0].GetProperty("target").GetString());
        var input = resources.GetProperty("redis-password").GetProperty("inputs").GetProperty("value");
        Assert.True(input.GetProperty("secret").GetBoolean());
        Assert.Equal(22, input.GetProperty("default").GetProperty("generate").GetProperty("minLength").GetInt32());
    }

    [Fact]
    public async Task AReference_BecomesExpressions()
    {
        var resources = await PublishAsync(builder =>
        {
            var redis = builder.AddRedis("redis");
            var web = builder.AddProject<TestProject>("web").WithReference(redis);
            builder.AddExecutable("worker", "worker", ".", "--verbose").WithReference(web).WithEnvironment("WEB", web.GetEndpoint("http"));
        });

        Assert.Equal("{redis.connectionString}", Env(resources.GetProperty("web"), "ConnectionStrings__redis"));
        var worker = resources.GetProperty("worker");
        Assert.Equal("executable.v0", worker.GetProperty("type").GetString());
        Assert.Equal("--verbose", worker.GetProperty("args")[0].GetString());
        Assert.Equal("{web.bindings.http.url}", Env(worker, "services__web__http__0"));
        Assert.Equal("{web.bindings.https.url}", Env(worker, "services__web__https__0"));
        Assert.Equal("{web.bindings.http.url}", Env(worker, "WEB"));
    }

    [Fact]
    public async Task AParameter_CarriesItsDefaultOnlyWhenAskedTo_AndNeverASecret()
    {
        var resources = await PublishAsync(builder =>
        {
            builder.AddParameter("greeting", "hello", publishValueAsDefault: true);
            builder.AddParameter("local", "only here");
            builder.AddParameter("key", "hidden", secret: true);
        });

        Assert.Equal("hello", resources.GetProperty("greeting").GetProperty("inputs").GetProperty("value").GetProperty("default").GetProperty("value").GetString());
        Assert.False(resources.GetProperty("local").GetProperty("inputs").GetProperty("value").TryGetProperty("default", out _));
        Assert.True(resources.GetProperty("key").GetProperty("inputs").GetProperty("value").GetProperty("secret").GetBoolean());
        Assert.Equal("{key.inputs.value}", resources.GetProperty("key").GetProperty("value").GetString());
        Assert.DoesNotContain("hidden", resources.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsExcluded_IsNotInTheManifest()
    {
        var resources = await PublishAsync(builder =>
        {
            builder.AddExecutable("tool", "tool", ".").ExcludeFromManifest();
            builder.AddContainer("box", "nginx", "1.27").WithHttpEndpoint(targetPort: 80);
        });

        Assert.False(resources.TryGetProperty("tool", out _));
        Assert.Equal("nginx:1.27", resources.GetProperty("box").GetProperty("image").GetString());
    }

    private static string? Env(JsonElement resource, string name) => resource.GetProperty("env").GetProperty(name).GetString();

    private async Task<JsonElement> PublishAsync(Action<IDistributedApplicationBuilder> fill)
    {
        var file = Path.Combine(_folder, "manifest.json");
        var builder = DistributedApplication.CreateBuilder(["--publisher", "manifest", "--output-path", file]);
        fill(builder);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        await using var application = builder.Build();
        await application.RunAsync(limit.Token);

        Assert.True(File.Exists(file), $"The publisher ended without writing {file}.");
        using var manifest = JsonDocument.Parse(await File.ReadAllTextAsync(file, limit.Token));
        return manifest.RootElement.GetProperty("resources").Clone();
    }
}
