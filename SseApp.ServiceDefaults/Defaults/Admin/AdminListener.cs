using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.ServiceDefaults.Defaults.Admin;

/// <summary>
/// Listens for operators beside all other addresses. Whether a request came there is a mark on its connection: neither the
/// address of its peer nor anything that it says of itself.
/// </summary>
internal sealed partial class AdminListener(
    IOptions<AdminOptions> options, IOptions<KestrelServerOptions> kestrel, IConfiguration configuration, IServiceProvider services, ILogger<AdminListener> logger)
    : IStartupFilter
{
    // Kestrel's own, where nothing is configured.
    private const string DefaultAddress = "http://localhost:5000";

    private volatile ListenOptions[] _listening = [];

    /// <summary>Where operators are answered, once the server listens.</summary>
    public IEnumerable<string> Addresses => _listening.Select(endpoint => endpoint.ToString()!);

    /// <summary>Whether the request came for an operator's ear. It has not proved yet that it may.</summary>
    public static bool Took(HttpContext context) => context.Features.Get<Mark>() is not null;

    /// <summary>Of all addresses of the server, those for everybody else.</summary>
    public IEnumerable<string> Without(IEnumerable<string> addresses) =>
        addresses.Where(address => !Addresses.Select(Comparable).Contains(Comparable(address), StringComparer.OrdinalIgnoreCase));

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        // Others may take the addresses from the server, too.
        next(app);
        if (options.Value.Addresses.Count == 0 || app.ServerFeatures.Get<IServerAddressesFeature>() is not { Addresses: var addresses })
        {
            return;
        }

        var key = services.GetRequiredService<AdminKey>();
        // Kestrel forgets the addresses that it was given as soon as one endpoint is made by code. Where endpoints are
        // configured it does so anyway.
        if (services.GetService<EndpointsOfCode>() is null && !configuration.GetSection("Kestrel:Endpoints").GetChildren().Any())
        {
            foreach (var address in (addresses.Count > 0 ? [.. addresses] : (string[])[DefaultAddress]).Select(BindingAddress.Parse))
            {
                kestrel.Value.Listen(address, endpoint => Secure(endpoint, address));
            }

            addresses.Clear();
        }

        foreach (var address in options.Value.Addresses)
        {
            kestrel.Value.Listen(address, endpoint =>
            {
                _listening = [.. _listening, endpoint];
                Secure(endpoint, address);
                endpoint.Use(static following => connection =>
                {
                    connection.Features.Set(Mark.Instance);
                    return following(connection);
                });
            });
        }

        services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(() =>
        {
            foreach (var endpoint in _listening)
            {
                var address = endpoint.ToString()!;
                LogListening(address, key.File);
                if (address.StartsWith("http://", StringComparison.OrdinalIgnoreCase) && endpoint.IPEndPoint is { Address: var listening } && !IPAddress.IsLoopback(listening))
                {
                    LogPlain(address, AdminOptions.SectionName, nameof(AdminOptions.Urls));
                }
            }
        });
    };

    private static void Secure(ListenOptions endpoint, BindingAddress address)
    {
        if (string.Equals(address.Scheme, Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase))
        {
            endpoint.UseHttps();
        }
    }

    // Where there is no IPv6, "*" is bound as 0.0.0.0 in the end.
    private static string Comparable(string address) => address.Replace("//[::]:", "//0.0.0.0:", StringComparison.Ordinal);

    [LoggerMessage(LogLevel.Information, "Operators are answered at {Address}, with the key in {File}: curl -H \"Authorization: Bearer $(cat {File})\" {Address}/health")]
    private partial void LogListening(string address, string file);

    [LoggerMessage(LogLevel.Warning, "{Address} takes the keys and tokens of operators over a network in plain text: whoever is on the way is operator then. Name an https:// address in {Section}:{Setting} (it takes the certificate of Kestrel:Certificates:Default), or one of this machine, reached by an SSH tunnel.")]
    private partial void LogPlain(string address, string section, string setting);

    private sealed class Mark
    {
        public static readonly Mark Instance = new();
    }
}
