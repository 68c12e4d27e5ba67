using Microsoft.AspNetCore.Hosting;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Admin;

internal static class AdminExtensions
{
    internal static void AddAdmin(this IServiceCollection services)
    {
        services.AddValidatedOptions<AdminOptions>(AdminOptions.SectionName);
        services.AddSingleton(provider => AdminKeyFile.ReadOrCreate(provider.GetRequiredService<IOptions<AdminOptions>>().Value.KeyFile));
        services.AddSingleton<AdminListener>();
        services.AddSingleton<IStartupFilter>(provider => provider.GetRequiredService<AdminListener>());
    }

    /// <summary>
    /// Answers what came to the listener for operators, from endpoints of its own: those of the service are not there, and
    /// these are nowhere else, not even in an <c>Allow</c>.
    /// </summary>
    /// <param name="app">The pipeline; what stands before this is for operators, too.</param>
    /// <param name="build">What answers; it also says who may.</param>
    public static void UseAdminListener(this IApplicationBuilder app, Action<IApplicationBuilder> build)
    {
        if (app.ApplicationServices.GetRequiredService<IOptions<AdminOptions>>().Value.Addresses.Count == 0)
        {
            return;
        }

        var admin = new ApplicationBuilder(app.ApplicationServices);
        build(admin);
        var answer = admin.Build();
        app.Use((context, next) =>
        {
            if (!AdminListener.Took(context))
            {
                return next(context);
            }

            // The platform may have looked among the service's own already.
            context.SetEndpoint(null);
            return answer(context);
        });
    }
}
