using System.Security.Cryptography.X509Certificates;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Tls;

/// <summary>The names in the certificate: who got a certificate for a name may be asked under it.</summary>
internal sealed class CertificateNames : IHostNames
{
    private readonly CertificateSource _source;

    public CertificateNames(CertificateSource source)
    {
        _source = source;
        source.Changed += (_, e) => Changed?.Invoke(this, e);
    }

    public event EventHandler? Changed;

    public IEnumerable<string> Names => Read(_source.Current.TargetCertificate);

    private static string[] Read(X509Certificate2 certificate)
    {
        // The platform hands out the raw extension where it does not know its own class for it.
        string[] names = [.. certificate.Extensions.Where(extension => extension.Oid?.Value == "2.5.29.17")
            .SelectMany(extension => new X509SubjectAlternativeNameExtension(extension.RawData, extension.Critical).EnumerateDnsNames())];
        // Old certificates have their name in the subject alone.
        return names.Length > 0 ? names : [certificate.GetNameInfo(X509NameType.DnsName, forIssuer: false)];
    }
}
