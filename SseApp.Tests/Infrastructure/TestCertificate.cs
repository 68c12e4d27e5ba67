using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SseApp.Tests.Infrastructure;

/// <summary>A root, an intermediate and server certificates below it, as files in a folder of their own.</summary>
internal sealed class TestCertificate : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sseapp-tls-");
    private readonly X509Certificate2 _root;
    private readonly X509Certificate2 _intermediate;
    private int _serial;

    public TestCertificate()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _root = Authority("Test Root", rootKey).CreateSelfSigned(Begin, End);
        using var intermediateKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signed = Authority("Test Intermediate", intermediateKey).Create(_root, Begin, End, [1]);
        _intermediate = signed.CopyWithPrivateKey(intermediateKey);
        Write("first");
    }

    public string CertificateFile => Path.Combine(_folder.FullName, "fullchain.pem");

    public string KeyFile => Path.Combine(_folder.FullName, "key.pem");

    private static DateTimeOffset Begin => TimeProvider.System.GetUtcNow().AddDays(-1);

    // Once: a certificate must not outlive its issuer by the second that has passed between the two.
    private static DateTimeOffset End { get; } = TimeProvider.System.GetUtcNow().AddDays(60);

    /// <summary>Writes the certificate of <paramref name="name"/> with its intermediate, and its key, over the files.</summary>
    public void Write(string name, TimeSpan? validFor = null)
    {
        using var leaf = Issue(name, out var key, validFor is { } time ? TimeProvider.System.GetUtcNow() + time : End.AddDays(-1));
        using (key)
        {
            Replace(KeyFile, key.ExportPkcs8PrivateKeyPem());
            Replace(CertificateFile, leaf.ExportCertificatePem() + "\n" + _intermediate.ExportCertificatePem());
        }
    }

    /// <summary>Writes certificate, intermediate and key into one PFX file and returns its path.</summary>
    public string WritePfx(string name, string password)
    {
        using var leaf = Issue(name, out var key, End.AddDays(-1));
        using (key)
        using (var withKey = leaf.CopyWithPrivateKey(key))
        using (var intermediate = X509CertificateLoader.LoadCertificate(_intermediate.RawData))
        {
            var path = Path.Combine(_folder.FullName, $"{name}.pfx");
            File.WriteAllBytes(path, new X509Certificate2Collection(new[] { withKey, intermediate }).Export(X509ContentType.Pfx, password)!);
            return path;
        }
    }

    /// <summary>A client that knows only the root: a server that does not send its intermediate is not trusted.</summary>
    /// <param name="server">Where it connects, whatever the host of the request.</param>
    /// <param name="seen">Gets the common name of each connection's certificate.</param>
    /// <param name="protocols">What it speaks; default all of the platform.</param>
    public HttpClient Client(Uri server, ICollection<string>? seen = null, SslProtocols protocols = SslProtocols.None) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, server.Port, cancellationToken);
            return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
        },
        SslOptions = ClientOptions(seen, protocols),
        AllowAutoRedirect = false,
        RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
    })
    {
        BaseAddress = new Uri($"https://events.example:{server.Port}"),
        Timeout = TimeSpan.FromSeconds(20),
    };

    /// <summary>As of <see cref="Client"/>.</summary>
    public SslClientAuthenticationOptions ClientOptions(ICollection<string>? seen = null, SslProtocols protocols = SslProtocols.None) => new()
    {
        TargetHost = "events.example",
        EnabledSslProtocols = protocols,
        CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { _root },
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        },
        RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
        {
            seen?.Add(certificate!.Subject["CN=".Length..]);
            return errors == SslPolicyErrors.None;
        },
    };

    public void Dispose()
    {
        _root.Dispose();
        _intermediate.Dispose();
        _folder.Delete(recursive: true);
    }

    private X509Certificate2 Issue(string name, out ECDsa key, DateTimeOffset until)
    {
        key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("events.example");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        return request.Create(_intermediate, Begin, until, [2, (byte)++_serial]);
    }

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request;
    }

    // As tools that renew certificates do: no reader ever sees half a file.
    private static void Replace(string path, string text)
    {
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }
}

/// <summary>A certificate for all tests of a class.</summary>
public sealed class TlsFixture : IDisposable
{
    internal TestCertificate Certificate { get; } = new();

    public void Dispose() => Certificate.Dispose();
}
