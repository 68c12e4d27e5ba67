using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using SseApp.ServiceDefaults;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>What a deployment tool or the platform adds to the environment takes no protection away.</summary>
public sealed class PlatformSettingsTests
{
    [Theory]
    [InlineData("ForwardedHeaders_Enabled", "true")]
    [InlineData("FORWARDEDHEADERS_ENABLED", "TRUE")]
    [InlineData("forwardedheaders_enabled", "True")]
    public async Task No_service_lets_the_platform_choose_the_clients_address(string key, string value)
    {
        await using var app = await StartAsync("Production", (key, value));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/client");
        request.Headers.Add("X-Forwarded-For", "198.51.100.66");
        request.Headers.Add("X-Forwarded-Proto", "https");

        using var client = Client(app);
        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal("127.0.0.1 http", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("Development")]
    [InlineData("Production")]
    public async Task The_environment_does_not_decide_what_a_bad_request_is_told(string environment)
    {
        await using var app = await StartAsync(environment);

        using var client = Client(app);
        using var answer = await client.GetAsync("/number?value=many", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.DoesNotContain("   at ", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Query_strings_stay_hidden_in_traces()
    {
        await using var app = await StartAsync(
            "Production",
            ("OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION", "true"),
            ("OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION", "true"));

        var configuration = app.Services.GetRequiredService<IConfiguration>();
        Assert.All(["ASPNETCORE", "HTTPCLIENT"], name => Assert.Equal("false", configuration[$"OTEL_DOTNET_EXPERIMENTAL_{name}_DISABLE_URL_QUERY_REDACTION"]));
    }

    /// <summary>With it the server listens at plain addresses in the place of all endpoints, those for HTTPS and for operators included.</summary>
    [Theory]
    [InlineData("preferHostingUrls", "true")]
    [InlineData("PREFERHOSTINGURLS", "1")]
    public async Task Configured_endpoints_stay_whatever_the_hosting_platform_prefers(string key, string value)
    {
        await using var app = await StartAsync("Production", (key, value), ("Kestrel:Endpoints:a:Url", "http://127.0.0.2:0"), ("Admin:Urls", "http://127.0.0.3:0"));

        Assert.Equal(["127.0.0.2"], app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address).Host).Where(host => host != "127.0.0.3"));
    }

    private static HttpClient Client(WebApplication app) =>
        new() { BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()) };

    private static async Task<WebApplication> StartAsync(string environment, params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.AddServiceDefaults();
        var app = builder.Build();
        app.UseBareAnswers("failed");
        app.MapGet("/client", (HttpContext context) => $"{context.Connection.RemoteIpAddress} {context.Request.Scheme}");
        app.MapGet("/number", (int value) => value);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }
}
