namespace Aspire.Hosting.Dcp;

/// <summary>The private folder of one run of the engine: its connection file (with a token) and its logs.</summary>
internal sealed class DcpSession : IDisposable
{
    public DcpSession()
    {
        // CreateTempSubdirectory makes the folder readable by its owner alone (0700).
        Folder = Directory.CreateTempSubdirectory("aspire-dcp").FullName;
    }

    public string Folder { get; }

    public string KubeconfigPath => Path.Combine(Folder, "kubeconfig");

    public void Dispose()
    {
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // The engine deletes the folder itself when it ends first (DCP_SESSION_FOLDER).
        }
        catch (IOException)
        {
            // The engine is still writing its last log lines there, and deletes the folder when it has ended.
        }
    }
}
