using SseApp.Gateway.Requests;

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
            services.AddHostedService<ServerRefusalLog>();
        }
    }

    /// <summary>Costs nothing while the log is off.</summary>
    public static void UseAccessLog(this IApplicationBuilder app)
    {
        var options = app.ApplicationServices.GetRequiredService<IOptions<AccessLogOptions>>().Value;
        if (options.Enabled)
        {
            var excluded = new PathPatterns(options.Exclude);
            app.UseWhen(context => !excluded.Match(context.Request.Path) && !ClientRequest.Of(context).IsCanary, static branch => branch.UseMiddleware<AccessLogMiddleware>());
        }
    }
}
