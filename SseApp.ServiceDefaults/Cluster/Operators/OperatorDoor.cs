using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>
/// Lets nobody pass who is no operator, and no page of another origin although it has a key. Who asks is decided before it is
/// looked for what is asked for; whether that may be, by <see cref="OperatorNeeds"/>.
/// </summary>
internal sealed class OperatorDoor(RequestDelegate next, AdminKey key, OperatorAudit audit)
{
    public async Task InvokeAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        var request = OperatorRequest.Nobody;
        // An exception becomes an answer further out.
        var status = StatusCodes.Status500InternalServerError;
        try
        {
            if (await FindAsync(context) is { } found)
            {
                request = found;
                context.Features.Set(found);
                await (PageOrigin.IsOtherPage(context.Request)
                    ? RefuseAsync(context, StatusCodes.Status403Forbidden, "cross-site", "The operator API takes nothing from web pages of another origin.")
                    : next(context));
            }

            status = context.Response.StatusCode;
        }
        finally
        {
            audit.Write(context, request, status);
        }
    }

    private async Task<OperatorRequest?> FindAsync(HttpContext context)
    {
        var given = context.Request.Headers.Authorization;
        if (key.Matches(given))
        {
            return OperatorRequest.OfKey(context.Connection.RemoteIpAddress);
        }

        if (given is not [{ } header] || !header.StartsWith($"{AdminKey.Scheme} ", StringComparison.OrdinalIgnoreCase) || !IsCredential(header.AsSpan(AdminKey.Scheme.Length + 1).Trim(' '))
            || context.RequestServices.GetService<CredentialService>() is not { } credentials)
        {
            context.Response.Headers.WWWAuthenticate = AdminKey.Scheme;
            await RefuseAsync(
                context,
                StatusCodes.Status401Unauthorized,
                "no-key",
                $"This address is for operators. Send 'Authorization: {AdminKey.Scheme}' with the key in the file that {AdminOptions.SectionName}:{nameof(AdminOptions.KeyFile)} names (at its start the service logs where that is), or with a token or an API key that has the scope {Grants.AdminScope}.");
            return null;
        }

        var (principal, reason, detail) = await credentials.VerifyAsync(header[(AdminKey.Scheme.Length + 1)..].Trim(' '));
        if (principal is null)
        {
            await AccessRefusal.WriteProblemAsync(context, reason!, detail!);
            return null;
        }

        return OperatorRequest.Of(principal);
    }

    // The key of this process has neither dots nor the prefix.
    private static bool IsCredential(ReadOnlySpan<char> text) => text.StartsWith(ApiKey.Prefix, StringComparison.Ordinal) || text.Count('.') >= 2;

    private static Task RefuseAsync(HttpContext context, int status, string reason, string detail) =>
        TypedResults.Problem(detail, statusCode: status, extensions: [KeyValuePair.Create<string, object?>("reason", reason)]).ExecuteAsync(context);
}
