using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SseApp.Gateway.Tls;

/// <summary>Reads the certificate, its intermediates and its key from files.</summary>
internal static class CertificateFiles
{
    /// <summary>A hash over both files: equal as long as nothing needs to be read again.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read.</exception>
    public static string Fingerprint(TlsOptions options)
    {
        // By content: a mounted secret is replaced by switching a link, and a copy may keep its times.
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(File.ReadAllBytes(options.CertificateFile!));
        if (KeyFile(options) is { } key)
        {
            hash.AppendData(File.ReadAllBytes(key));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <exception cref="CryptographicException">The files do not hold a certificate with its key.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read.</exception>
    public static SslStreamCertificateContext Load(TlsOptions options)
    {
        var all = IsPfx(options) ? LoadPfx(options) : LoadPem(options);
        var certificate = all.FirstOrDefault(one => one.HasPrivateKey)
            ?? throw new CryptographicException("there is no private key in it");
        all.Remove(certificate);

        // Offline: the handshake must not wait for a certificate authority's server.
        return SslStreamCertificateContext.Create(certificate, all, offline: true);
    }

    /// <summary>What keeps the files from being used and what to do, or null.</summary>
    public static string? Problem(TlsOptions options)
    {
        foreach (var (setting, file) in new[] { (nameof(TlsOptions.CertificateFile), options.CertificateFile), (nameof(TlsOptions.KeyFile), KeyFile(options)) })
        {
            if (file is not null && !File.Exists(file))
            {
                return $"{TlsOptions.SectionName}:{setting} is '{Path.GetFullPath(file)}', which does not exist; put the certificate there, correct the path, or remove the setting.";
            }
        }

        try
        {
            Load(options);
            var (setting, file) = PrivateKey(options);
            return OpenFile.Writable(file) is { } open ? $"{setting} is '{file}', {open}." : null;
        }
        catch (Exception exception) when (IsFileProblem(exception))
        {
            return Explain(options, exception);
        }
    }

    /// <summary>What else an operator should know of the files, or null.</summary>
    public static string? Warning(TlsOptions options) => PrivateKey(options) is var (setting, file) && OpenFile.Readable(file) is { } open ? $"{setting} is '{file}', {open}." : null;

    public static bool IsFileProblem(Exception exception) =>
        exception is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException;

    public static string Explain(TlsOptions options, Exception exception) => exception is UnauthorizedAccessException
        ? $"{TlsOptions.SectionName}:{nameof(TlsOptions.CertificateFile)} is '{options.CertificateFile}', which this user may not read, or not its key; change the files' owner or mode ({exception.Message})."
        : $"{TlsOptions.SectionName}:{nameof(TlsOptions.CertificateFile)} is '{options.CertificateFile}', which cannot be used: {exception.Message.TrimEnd('.')}. "
            + $"A PEM file needs the certificate first and its own key in it or in {TlsOptions.SectionName}:{nameof(TlsOptions.KeyFile)}; "
            + $"a PFX file or an encrypted key needs {TlsOptions.SectionName}:{nameof(TlsOptions.Password)}.";

    private static bool IsPfx(TlsOptions options) =>
        Path.GetExtension(options.CertificateFile) is { } extension
        && (extension.Equals(".pfx", StringComparison.OrdinalIgnoreCase) || extension.Equals(".p12", StringComparison.OrdinalIgnoreCase));

    private static (string Setting, string File) PrivateKey(TlsOptions options) => KeyFile(options) is { } key
        ? ($"{TlsOptions.SectionName}:{nameof(TlsOptions.KeyFile)}", key)
        : ($"{TlsOptions.SectionName}:{nameof(TlsOptions.CertificateFile)}", options.CertificateFile!);

    private static string? KeyFile(TlsOptions options) => IsPfx(options) || string.IsNullOrWhiteSpace(options.KeyFile) ? null : options.KeyFile;

    private static X509Certificate2Collection LoadPfx(TlsOptions options) =>
        X509CertificateLoader.LoadPkcs12CollectionFromFile(options.CertificateFile!, options.Password, X509KeyStorageFlags.DefaultKeySet);

    private static X509Certificate2Collection LoadPem(TlsOptions options)
    {
        var key = KeyFile(options);
        var leaf = string.IsNullOrEmpty(options.Password)
            ? X509Certificate2.CreateFromPemFile(options.CertificateFile!, key)
            : X509Certificate2.CreateFromEncryptedPemFile(options.CertificateFile!, options.Password, key);
        if (OperatingSystem.IsWindows())
        {
            // Schannel cannot use a key that is only in memory.
            using var ephemeral = leaf;
            leaf = X509CertificateLoader.LoadPkcs12(ephemeral.Export(X509ContentType.Pfx), null);
        }

        var all = new X509Certificate2Collection();
        all.ImportFromPemFile(options.CertificateFile!);

        // The first certificate of the file is the one that the key belongs to.
        all[0] = leaf;
        return all;
    }
}
