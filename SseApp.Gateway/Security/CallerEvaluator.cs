using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Gateway.Security;

/// <summary>
/// The framework's authorization for configured routes, over what is known of the caller already. Its authentication would run for
/// every request and keep a service scope for as long as each stream.
/// </summary>
internal sealed class CallerEvaluator(IAuthorizationService authorization) : PolicyEvaluator(authorization)
{
    private static readonly ClaimsPrincipal s_known = new(new ClaimsIdentity(CredentialHandler.SchemeName));

    public override Task<AuthenticateResult> AuthenticateAsync(AuthorizationPolicy policy, HttpContext context)
    {
        if (context.Features.Get<Caller>() is not { Principal: { Kind: not CredentialKind.None } })
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        context.User = s_known;
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(s_known, CredentialHandler.SchemeName)));
    }
}
