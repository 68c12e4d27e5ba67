namespace SseApp.AppHost.Archive;

internal static class LocalPostgresExtensions
{
    /// <summary>Runs the programs that are installed, on a database cluster that is made at the first start and kept.</summary>
    public static IResourceBuilder<LocalPostgresResource> AddLocalPostgres(
        this IDistributedApplicationBuilder builder, string name, PostgresPrograms programs, PostgresFolder folder)
    {
        var password = builder.AddParameter($"{name}-password", folder.Take(builder), secret: true);
        var resource = new LocalPostgresResource(name, AppContext.BaseDirectory, password.Resource);
        // A proxy in front, so that the address stays the same when the server is started again.
        return builder.AddResource(resource)
            .WithEndpoint(name: LocalPostgresResource.EndpointName, scheme: "tcp")
            .WithArgs(
                Path.Combine(AppContext.BaseDirectory, "Archive", "postgresql.sh"),
                programs.Folder,
                folder.Root,
                resource.PrimaryEndpoint.Property(EndpointProperty.TargetPort),
                programs.User?.Name ?? "")
            .WithIconName("Database")
            .WithArchiveHealth();
    }
}
