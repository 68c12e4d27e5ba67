using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.ServiceDefaults.Defaults.Admin;

/// <summary>Lets nobody pass without the key, and no page of another origin although it has one.</summary>
internal sealed class AdminKeyMiddleware(RequestDelegate next, AdminKey key)
{
    public Task InvokeAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (!key.Matches(context.Request.Headers.Authorization))
        {
            context.Response.Headers.WWWAuthenticate = AdminKey.Scheme;
            return RefuseAsync(
                context,
                StatusCodes.Status401Unauthorized,
                "no-key",
                $"This address is for operators. Send 'Authorization: {AdminKey.Scheme}' with the key in the file that {AdminOptions.SectionName}:{nameof(AdminOptions.KeyFile)} names; at its start the service logs where that is.");
        }

        return PageOrigin.IsOtherPage(context.Request)
            ? RefuseAsync(context, StatusCodes.Status403Forbidden, "cross-site", "The operator API takes nothing from web pages of another origin.")
            : next(context);
    }

    private static Task RefuseAsync(HttpContext context, int status, string reason, string detail) =>
        TypedResults.Problem(detail, statusCode: status, extensions: [KeyValuePair.Create<string, object?>("reason", reason)]).ExecuteAsync(context);
}
