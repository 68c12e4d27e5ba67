using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// Section <c>Kestrel</c> is the platform's, which says nothing about what it does not read: limits in it, of which documentation and
/// examples on the web have many, limit nothing. And a protocol that clients, or gateways, do not speak makes a service that nobody reaches.
/// </summary>
internal static class KestrelSettings
{
    private const string Section = "Kestrel";
    private const string Protocols = nameof(Protocols);

    private static readonly string[] s_certificate = ["Path", "KeyPath", "Password", "Subject", "Store", "Location", "AllowInvalid"];
    private static readonly string[] s_defaults = [Protocols, "SslProtocols", "ClientCertificateMode"];

    // Of a gateway, which is where clients are limited.
    private static readonly Dictionary<string, string> s_own = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Limits:MaxConcurrentConnections"] = "Descriptors:MaxConnections",
        ["Limits:MaxRequestBodySize"] = "Limits:MaxRequestBodyBytes",
        ["Limits:MaxRequestLineSize"] = "Limits:MaxRequestLineBytes",
        ["Limits:MaxRequestHeadersTotalSize"] = "Limits:MaxRequestHeaderBytes",
        ["Limits:RequestHeadersTimeout"] = "Limits:RequestHeadersTimeout",
        ["Limits:KeepAliveTimeout"] = "Limits:KeepAliveTimeout",
        ["Limits:MinResponseDataRate"] = "Limits:MinResponseRate",
    };

    /// <summary>A line for each setting of the section that nobody reads, or with which nobody would reach the service.</summary>
    public static IEnumerable<string> Problems(IConfiguration configuration) => configuration.GetSection(Section).GetChildren().SelectMany(child => child.Key.ToUpperInvariant() switch
    {
        "ENDPOINTDEFAULTS" => Named(child, Defaults, s_defaults).Concat(WrongProtocols(child, plain: true)),
        "ENDPOINTS" => child.GetChildren().SelectMany(Endpoint),
        "CERTIFICATES" => child.GetChildren().SelectMany(Certificate),
        _ => Unread(child, $"of section {Section} only Certificates, EndpointDefaults and Endpoints are read"),
    });

    private static IEnumerable<string> Endpoint(IConfigurationSection endpoint) => Named(endpoint, Endpoint, ["Url", "Certificate", "Sni", .. s_defaults])
        .Concat(WrongProtocols(endpoint, plain: endpoint["Url"]?.StartsWith("http:", StringComparison.OrdinalIgnoreCase) == true));

    private static IEnumerable<string> Endpoint(IConfigurationSection child, string name) => name switch
    {
        "Certificate" => Certificate(child),
        "Sni" => child.GetChildren().SelectMany(host => Named(host, Endpoint, ["Certificate", .. s_defaults]).Concat(WrongProtocols(host, plain: false))),
        _ => Defaults(child, name),
    };

    private static IEnumerable<string> Defaults(IConfigurationSection child, string name) => name switch
    {
        "ClientCertificateMode" => WrongName<ClientCertificateMode>(child),
        "SslProtocols" => child.GetChildren().SelectMany(WrongName<System.Security.Authentication.SslProtocols>),
        _ => [],
    };

    private static IEnumerable<string> Certificate(IConfigurationSection certificate) => Named(certificate, static (_, _) => [], s_certificate);

    private static IEnumerable<string> Named(IConfigurationSection section, Func<IConfigurationSection, string, IEnumerable<string>> each, string[] names) => section.GetChildren()
        .SelectMany(child => Array.Find(names, name => name.Equals(child.Key, StringComparison.OrdinalIgnoreCase)) is { } name
            ? each(child, name)
            : Unread(child, $"allowed in {section.Path}: {string.Join(", ", names.Order(StringComparer.Ordinal))}"));

    private static IEnumerable<string> WrongProtocols(IConfigurationSection section, bool plain)
    {
        var protocols = section.GetSection(Protocols);
        if (protocols.Value is not { Length: > 0 } text)
        {
            return [];
        }

        if (!Enum.TryParse<HttpProtocols>(text, ignoreCase: true, out var value) || !Enum.IsDefined(value))
        {
            return WrongName<HttpProtocols>(protocols);
        }

        // Without TLS nobody can agree on HTTP/2: browsers and gateways speak HTTP/1.1, and get 400, at which an EventSource stays closed.
        return plain && !value.HasFlag(HttpProtocols.Http1)
            ? [$"{protocols.Path} is {SettingsReading.Quote(text)}, but without TLS clients and gateways speak HTTP/1.1, and would get 400; write {nameof(HttpProtocols.Http1)} or {nameof(HttpProtocols.Http1AndHttp2)}, or take it away."]
            : [];
    }

    // What cannot be read is nothing to the platform.
    private static IEnumerable<string> WrongName<T>(IConfigurationSection setting)
        where T : struct, Enum => setting.Value is { Length: > 0 } text && !Enum.TryParse<T>(text, ignoreCase: true, out _)
            ? [$"{setting.Path} is {SettingsReading.Quote(text)}; it must be one of {string.Join(", ", Enum.GetNames<T>())}."]
            : [];

    private static string UnreadLeaf(IConfigurationSection leaf, string allowed)
    {
        var own = s_own.FirstOrDefault(pair => leaf.Path.StartsWith($"{Section}:{pair.Key}", StringComparison.OrdinalIgnoreCase)).Value;
        // A password has been misspelt, too.
        var value = SettingsReading.Quote(leaf.Value, secret: leaf.Path.Contains(":Certificate", StringComparison.OrdinalIgnoreCase) || SettingTypes.IsSecret(leaf.Key));
        return $"{leaf.Path} is {value}, but nobody reads it; {allowed}.{(own is null ? "" : $" A gateway has {own} for it.")}";
    }

    // An empty section sets nothing.
    private static IEnumerable<string> Unread(IConfigurationSection section, string allowed) =>
        SettingNames.Leaves(section).Where(leaf => leaf.Value is not null).Select(leaf => UnreadLeaf(leaf, allowed));
}
