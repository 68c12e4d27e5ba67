using System.Text.RegularExpressions;
using SseApp.Gateway.AccessLog;
using SseApp.Gateway.Clients;
using SseApp.Gateway.Compression;
using SseApp.Gateway.Security;
using SseApp.Gateway.Tls;
using SseApp.Tests.Gateway;

namespace SseApp.Tests.Docs;

/// <summary>What docs/from-nginx.md promises about nginx sites.</summary>
public sealed partial class FromNginxPageTests : GatewayTest
{
    [Fact]
    public async Task The_example_of_a_whole_site_has_no_unknown_key_and_starts()
    {
        var example = Example().Match(await PageAsync()).Groups["json"].Value;
        var configuration = new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(example))).Build();
        AssertKnown<TlsOptions>(TlsOptions.SectionName);
        AssertKnown<ProxiesOptions>(ProxiesOptions.SectionName);
        AssertKnown<AccessOptions>(AccessOptions.SectionName);
        AssertKnown<LimitsOptions>(LimitsOptions.SectionName);
        AssertKnown<BalancingOptions>(BalancingOptions.SectionName);
        AssertKnown<CompressionOptions>(CompressionOptions.SectionName);
        AssertKnown<ResponseHeadersOptions>(ResponseHeadersOptions.SectionName);
        AssertKnown<AccessLogOptions>(AccessLogOptions.SectionName);

        using var certificate = new TestCertificate();
        var settings = configuration.AsEnumerable()
            .Where(pair => pair.Value is not null && pair.Key is not ("Urls" or "ConnectionStrings:redis"))
            .ToDictionary(pair => pair.Key, pair => pair.Value!, StringComparer.OrdinalIgnoreCase);
        settings["Tls:CertificateFile"] = certificate.CertificateFile;
        settings["Tls:KeyFile"] = certificate.KeyFile;
        settings["Tls:Urls"] = "https://127.0.0.1:0";
        settings["AccessLog:File"] = Path.Combine(Path.GetDirectoryName(certificate.KeyFile)!, "access.log");
        await OriginAsync("r1");
        await using var gateway = await GatewayHost.StartAsync(Registry, settings.ToDictionary(pair => pair.Key, pair => (string?)pair.Value));
        using var http = certificate.Client(gateway.SecureAddress);

        Assert.Equal("r1", await http.GetStringAsync("/topics/a", Cancellation));
        // The line of the request is in the log, which lies in the folder that is deleted now.
        await gateway.StopAsync();

        void AssertKnown<T>(string section)
            where T : class, new()
        {
            Assert.True(configuration.GetSection(section).Exists(), $"The example has no section {section}.");
            configuration.GetSection(section).Get<T>(binder => binder.ErrorOnUnknownConfiguration = true);
        }
    }

    private static Task<string> PageAsync()
    {
        if (Repository.Root is null)
        {
            Assert.Skip("The tests do not run inside the repository, so its pages cannot be read.");
        }

        return File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "from-nginx.md"), Cancellation);
    }

    [GeneratedRegex("## A whole site.*?```json\n(?<json>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Example();
}
