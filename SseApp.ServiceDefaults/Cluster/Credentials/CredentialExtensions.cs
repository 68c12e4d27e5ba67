using Microsoft.AspNetCore.Authorization;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

internal static class CredentialExtensions
{
    /// <summary>Adds what verifies credentials (section <c>Security</c>).</summary>
    public static IServiceCollection AddCredentials(this IServiceCollection services)
    {
        services.AddValidatedOptions<CredentialOptions>(CredentialOptions.SectionName);
        services.AddSingleton<IValidateOptions<CredentialOptions>, CredentialValidator>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddClusterSigning();
        services.TryAddSingleton<Revocations>();
        services.TryAddSingleton<RevocationStore>();
        services.AddHostedService<RevocationWatch>();
        services.AddSingleton<CredentialService>();
        services.AddHostedService(provider => provider.GetRequiredService<CredentialService>());
        return services;
    }

    /// <summary>An endpoint that does not say what it needs is nobody's.</summary>
    public static void DenyByDefault(this AuthorizationOptions options) =>
        options.FallbackPolicy = new AuthorizationPolicyBuilder().RequireAssertion(static _ => false).Build();

    /// <summary>Adds what tells somebody why he may not.</summary>
    /// <typeparam name="TCounter">The metrics that count refusals.</typeparam>
    public static void AddAccessRefusal<TCounter>(this IServiceCollection services)
        where TCounter : class, IAccessCounter
    {
        services.AddSingleton<IAccessCounter>(static provider => provider.GetRequiredService<TCounter>());
        services.AddSingleton<AccessRefusal>();
    }

    /// <summary>Adds the decision who may what: the framework's authentication and authorization, which ask for credentials.</summary>
    /// <typeparam name="TCounter">The metrics that count refusals.</typeparam>
    public static IServiceCollection AddAccess<TCounter>(this IServiceCollection services)
        where TCounter : class, IAccessCounter
    {
        services.AddCredentials();
        services.AddAccessRefusal<TCounter>();
        services.AddAuthorization(options =>
        {
            options.DenyByDefault();
            options.InvokeHandlersAfterFailure = false;
        });
        services.AddSingleton<IAuthorizationHandler, NeedHandler>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, RefusalHandler>();
        services.AddValidatedOptions<TicketsOptions>(TicketsOptions.SectionName);
        services.AddSingleton<TicketStore>();
        services.AddSingleton<SessionStore>();
        return services;
    }
}
