// A site of its own, behind the gateway: it knows who its users are, and makes tokens for them. Here a user is whoever says so:
// put your sign-in there.
using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

var builder = WebApplication.CreateBuilder(args);
var key = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(builder.Configuration["Tokens:Key"] ?? throw new InvalidOperationException("Set Tokens:Key to the key of Security:Issuers:0:Key.")));
var life = builder.Configuration.GetValue("Tokens:Life", TimeSpan.FromHours(1));
builder.Services.AddSingleton(TimeProvider.System);
string[] topics = ["news.*", "user.{sub}.*"];
var app = builder.Build();

app.MapPost("/site/token", (string user, TimeProvider time) =>
{
    var now = time.GetUtcNow().UtcDateTime;
    return Results.Json(new
    {
        token = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = "site",
            Audience = "events",
            IssuedAt = now,
            NotBefore = now,
            Expires = now + life,
            SigningCredentials = new SigningCredentials(key, SecurityAlgorithms.HmacSha256),
            Claims = new Dictionary<string, object>(StringComparer.Ordinal)
            {
                ["sub"] = user,
                ["jti"] = Guid.NewGuid().ToString("N"),
                ["sse_subscribe"] = topics,
            },
        }),
    });
});
app.Run();
