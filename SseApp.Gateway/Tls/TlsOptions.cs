namespace SseApp.Gateway.Tls;

/// <summary>Section <c>Tls</c>: HTTPS, when <see cref="CertificateFile"/> is set.</summary>
[SwitchedOnBy(nameof(CertificateFile))]
public sealed class TlsOptions : IValidatableObject
{
    public const string SectionName = "Tls";

    /// <summary>
    /// PEM file with the certificate and its intermediates (as <c>fullchain.pem</c>), or PFX file (<c>.pfx</c>, <c>.p12</c>).
    /// It is read again when it changes. Default none: no HTTPS.
    /// </summary>
    public string? CertificateFile { get; set; }

    /// <summary>PEM file with the private key. Default: the key is in <see cref="CertificateFile"/>.</summary>
    public string? KeyFile { get; set; }

    /// <summary>Password of the PFX file or of an encrypted PEM key. Default none.</summary>
    [DataType(DataType.Password)]
    public string? Password { get; set; }

    /// <summary>Where HTTPS is served, besides the plain addresses of <c>Urls</c>; several are separated by semicolons. Default <c>https://*:8443</c>.</summary>
    [Required]
    public string Urls { get; set; } = "https://*:8443";

    /// <summary>Oldest protocol that clients may use: <c>Tls12</c> (default) or <c>Tls13</c>.</summary>
    public TlsVersion MinVersion { get; set; } = TlsVersion.Tls12;

    /// <summary>Serve HTTP/3 on the same ports (UDP) where the platform has QUIC; clients learn of it by <c>Alt-Svc</c>. Default false.</summary>
    public bool Http3 { get; set; }

    /// <summary>Send plain HTTP requests to HTTPS with 308, except health checks from this machine. Default true.</summary>
    public bool Redirect { get; set; } = true;

    /// <summary>Port in redirects, where clients see another than <see cref="Urls"/> says. Default 0: that of <see cref="Urls"/>.</summary>
    [Range(0, 65535)]
    public int PublicPort { get; set; }

    /// <summary>
    /// How long browsers must use HTTPS only (<c>Strict-Transport-Security</c>); not sent for localhost. Default 30 days; 0: not sent.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "1000.00:00:00")]
    public TimeSpan HstsMaxAge { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Whether that holds for all subdomains too. Default false.</summary>
    public bool HstsIncludeSubDomains { get; set; }

    /// <summary>How often the files are checked in addition to file system notifications, which network drives do not send. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether HTTPS is configured.</summary>
    internal bool Enabled => !string.IsNullOrWhiteSpace(CertificateFile);

    internal IEnumerable<BindingAddress> Addresses => [.. ListenAddresses.Parse(Urls)];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Enabled)
        {
            yield break;
        }

        string? error = null;
        try
        {
            if (Addresses.Any(address => !string.Equals(address.Scheme, Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase)))
            {
                error = $"{SectionName}:{nameof(Urls)} is '{Urls}'; every address must begin with https://. Plain addresses belong into Urls.";
            }
        }
        catch (FormatException exception)
        {
            error = $"{SectionName}:{nameof(Urls)} is '{Urls}': {exception.Message}";
        }

        if (error is not null)
        {
            yield return new ValidationResult(error, [nameof(Urls)]);
        }

        if (CertificateFiles.Problem(this) is { } problem)
        {
            yield return new ValidationResult(problem, [nameof(CertificateFile)]);
        }
    }
}

public enum TlsVersion
{
    Tls12,
    Tls13,
}
