namespace Aspire.Hosting.Dcp;

internal static class DcpExecutablePath
{
    /// <exception cref="DistributedApplicationException">No path is known, or there is no file.</exception>
    public static string Require(DcpOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.CliPath))
        {
            throw new DistributedApplicationException(
                "The path of the orchestrator (dcp) is unknown. Build the AppHost project, which records it as assembly metadata 'dcpclipath', " +
                "or set DcpPublisher:CliPath.");
        }

        return File.Exists(options.CliPath)
            ? options.CliPath
            : throw new DistributedApplicationException(
                $"The orchestrator is not at '{options.CliPath}'. Build the AppHost project again to fetch it, or set DcpPublisher:CliPath.");
    }
}
