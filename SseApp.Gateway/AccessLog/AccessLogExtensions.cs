namespace SseApp.Gateway.AccessLog;

internal static class AccessLogExtensions
{
    public static void AddAccessLog(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddValidatedOptions<AccessLogOptions>(AccessLogOptions.SectionName);
        services.AddSingleton<AccessLogWriter>();
        if (Settings.Bind(builder.Configuration.GetSection(AccessLogOptions.SectionName), new AccessLogOptions()).Enabled)
        {
            services.AddHostedService(provider => provider.GetRequiredService<AccessLogWriter>());
        }
    }

    /// <summary>Costs nothing while the log is off.</summary>
    public static void UseAccessLog(this IApplicationBuilder app)
    {
        if (app.ApplicationServices.GetRequiredService<IOptions<AccessLogOptions>>().Value.Enabled)
        {
            app.UseMiddleware<AccessLogMiddleware>();
        }
    }
}
