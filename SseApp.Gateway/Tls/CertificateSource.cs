using System.Net.Security;

namespace SseApp.Gateway.Tls;

/// <summary>The certificate for new handshakes. Connections that are open keep theirs.</summary>
internal sealed partial class CertificateSource
{
    private static readonly TimeSpan s_soon = TimeSpan.FromDays(14);

    private readonly TlsOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<CertificateSource> _logger;
    private readonly Lock _gate = new();
    private SslStreamCertificateContext _current;
    private string _seen;

    public CertificateSource(IOptions<TlsOptions> options, SseMeter meter, TimeProvider time, ILogger<CertificateSource> logger)
    {
        _options = options.Value;
        _time = time;
        _logger = logger;
        _seen = CertificateFiles.Fingerprint(_options);
        _current = CertificateFiles.Load(_options);
        WarnIfExpiring();
        if (CertificateFiles.Warning(_options) is { } open)
        {
            LogOpen(open);
        }

        meter.Meter.CreateObservableGauge(
            MetricNames.GatewayCertificateExpiry,
            () => new DateTimeOffset(Current.TargetCertificate.NotAfter).ToUnixTimeSeconds(),
            unit: "s",
            description: "When the gateway's certificate expires, in seconds since 1970.");
    }

    /// <summary>Raised when there is another certificate.</summary>
    public event EventHandler? Changed;

    public SslStreamCertificateContext Current => Volatile.Read(ref _current);

    /// <summary>Reads the files if they changed. What cannot be used is logged once and leaves the certificate as it is.</summary>
    public void Refresh()
    {
        lock (_gate)
        {
            string? found = null;
            try
            {
                found = CertificateFiles.Fingerprint(_options);
                if (string.Equals(found, _seen, StringComparison.Ordinal))
                {
                    return;
                }

                Volatile.Write(ref _current, CertificateFiles.Load(_options));
                LogReloaded(_current.TargetCertificate.Subject, _current.TargetCertificate.NotAfter);
                WarnIfExpiring();
                Changed?.Invoke(this, EventArgs.Empty);
            }
            catch (Exception exception) when (CertificateFiles.IsFileProblem(exception))
            {
                if (found is not null || _seen.Length > 0)
                {
                    LogNotReloaded(CertificateFiles.Explain(_options, exception));
                }
            }

            _seen = found ?? "";
        }
    }

    private void WarnIfExpiring()
    {
        var expiry = new DateTimeOffset(_current.TargetCertificate.NotAfter);
        if (expiry - _time.GetUtcNow() < s_soon)
        {
            LogExpiring(_current.TargetCertificate.Subject, expiry);
        }
    }

    [LoggerMessage(LogLevel.Information, "New connections get the new certificate {Subject}, valid until {NotAfter}.")]
    private partial void LogReloaded(string subject, DateTime notAfter);

    [LoggerMessage(LogLevel.Error, "The certificate files changed but cannot be used; the previous certificate stays in use. {Problem}")]
    private partial void LogNotReloaded(string problem);

    [LoggerMessage(LogLevel.Warning, "{Warning}")]
    private partial void LogOpen(string warning);

    [LoggerMessage(LogLevel.Warning, "The certificate {Subject} expires at {Expiry}; renew it and replace the files, they are read again by themselves.")]
    private partial void LogExpiring(string subject, DateTimeOffset expiry);
}
