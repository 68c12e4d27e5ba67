using Microsoft.AspNetCore.HostFiltering;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// Refuses requests for names that are not this service's. A page whose DNS name is pointed here after it was loaded (DNS
/// rebinding) is of the same origin as the service to its browser, which then sends no <c>Origin</c>: only <c>Host</c> tells.
/// The names are the platform's middleware's to compare; the answer is ours.
/// </summary>
internal sealed partial class HostFilter
{
    /// <summary>Reason of the refusal.</summary>
    public const string Unknown = "unknown-host";

    private const int MaxLogged = 32;

    private readonly RequestDelegate _next;
    private readonly RequestDelegate _filter;
    private readonly AllowedHosts _hosts;
    private readonly Action _refused;
    private readonly ILogger<HostFilter> _logger;
    private readonly HashSet<string> _logged = new(StringComparer.OrdinalIgnoreCase);
    private Passed? _passed;

    /// <param name="next">The pipeline.</param>
    /// <param name="services">Of the application.</param>
    /// <param name="hosts">Names that are let in.</param>
    /// <param name="refused">Counts.</param>
    /// <param name="logger">Says which name was refused.</param>
    public HostFilter(RequestDelegate next, IServiceProvider services, AllowedHosts hosts, Action refused, ILogger<HostFilter> logger)
    {
        _next = next;
        _hosts = hosts;
        _refused = refused;
        _logger = logger;
        var filter = new ApplicationBuilder(services);
        filter.UseMiddleware<HostFilteringMiddleware>(hosts);
        filter.Run(static _ => Task.CompletedTask);
        _filter = filter.Build();
    }

    public Task InvokeAsync(HttpContext context)
    {
        var header = context.Request.Headers.Host.ToString();
        var allowed = _hosts.CurrentValue;
        if (_passed is { } passed && ReferenceEquals(passed.Names, allowed) && string.Equals(passed.Header, header, StringComparison.Ordinal))
        {
            return NextAsync(context, header);
        }

        // As it was sent: the request's own property turns Punycode into what may be none.
        var host = new HostString(header);
        if (!IsAllowed(context, host))
        {
            return RefuseAsync(context, HostName.Shown(host.Host));
        }

        _passed = new Passed(header, allowed);
        return NextAsync(context, header);
    }

    // From here on, in routes, origins and redirects, a name has one spelling.
    private Task NextAsync(HttpContext context, string header)
    {
        var name = HostName.WithoutDot(header);
        if (name.Length < header.Length)
        {
            context.Request.Headers.Host = name;
        }

        return _next(context);
    }

    private bool IsAllowed(HttpContext context, HostString host)
    {
        // HTTP/1.0 does not need one, and no browser leaves it out.
        if (!host.HasValue)
        {
            return true;
        }

        try
        {
            // Punycode that is none: whatever asks for the host would throw, whichever names are allowed.
            _ = context.Request.Host;
        }
        catch (ArgumentException)
        {
            return false;
        }

        if (HostName.IsUnowned(host.Host))
        {
            return true;
        }

        try
        {
            // Ends at once: neither the middleware nor what stands behind it waits for anything.
            _filter(context).GetAwaiter().GetResult();
            return context.Response.StatusCode == StatusCodes.Status200OK;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private Task RefuseAsync(HttpContext context, string name)
    {
        _refused();
        name = UserInfo.HideInAddress(name);
        if (TryLog(name))
        {
            LogRefused(name, HostsOptions.SectionName, nameof(HostsOptions.Allowed));
        }

        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Problem(
            $"This service does not answer for the host '{name}'. If the name is meant, add it to the setting {HostsOptions.SectionName}:{nameof(HostsOptions.Allowed)} "
                + $"(environment variable {HostsOptions.SectionName}__{nameof(HostsOptions.Allowed)}__0={name}). Other names are refused because anybody's DNS can point one here.",
            statusCode: StatusCodes.Status400BadRequest,
            extensions: [new("reason", Unknown)]).ExecuteAsync(context);
    }

    // Once a name, and not for ever: a stranger can make up any number of them.
    private bool TryLog(string name)
    {
        lock (_logged)
        {
            return _logged.Count < MaxLogged && _logged.Add(name);
        }
    }

    [LoggerMessage(LogLevel.Warning, "A request for the host {Host} was refused: this service does not know the name. If it is meant, add it to {Section}:{Setting} ({Section}__{Setting}__0={Host}). This is logged once for a name, for the first 32 names.")]
    private partial void LogRefused(string host, string section, string setting);

    private sealed record Passed(string Header, HostFilteringOptions Names);
}
