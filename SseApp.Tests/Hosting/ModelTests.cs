using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace SseApp.Tests.Hosting;

public sealed class ModelTests
{
    [Fact]
    public void ALaunchProfile_GivesAProjectItsEndpoints()
    {
        var web = CreateBuilder().AddProject<TestProject>("web");

        Assert.Equal(7123, web.GetEndpoint("https").EndpointAnnotation.Port);
        Assert.Equal(5123, web.GetEndpoint("http").EndpointAnnotation.Port);
    }

    [Fact]
    public async Task TheNamedLaunchProfile_IsUsed()
    {
        var web = CreateBuilder().AddProject<TestProject>("web", launchProfileName: "http");

        var environment = await EnvironmentAsync(web.Resource);

        Assert.Equal(5124, web.GetEndpoint("http").EndpointAnnotation.Port);
        Assert.Equal("http", environment["FROM_PROFILE"]);
        Assert.Equal("http", environment["DOTNET_LAUNCH_PROFILE"]);
    }

    [Fact]
    public void ALaunchProfileThatDoesNotExist_IsNamedInTheError()
    {
        var builder = CreateBuilder();

        var error = Assert.Throws<DistributedApplicationException>(() => builder.AddProject<TestProject>("web", launchProfileName: "nothing"));

        Assert.Contains("nothing", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutALaunchProfile_AProjectHasOnlyWhatCodeGivesIt()
    {
        var web = CreateBuilder().AddProject<TestProject>("web", options => options.ExcludeLaunchProfile = true);

        Assert.Empty(web.Resource.GetEndpoints());
        Assert.DoesNotContain("FROM_PROFILE", (await EnvironmentAsync(web.Resource)).Keys);
    }

    [Fact]
    public async Task EachReplica_ListensOnThePortTheEngineGivesIt_AndNamesItselfInTelemetry()
    {
        var web = CreateBuilder().AddProject<TestProject>("web", launchProfileName: null).WithHttpEndpoint().WithReplicas(3);
        web.WithEndpoint("http", endpoint => endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", 8123, "{{- portForServing \"web\" -}}"));

        var environment = await EnvironmentAsync(web.Resource);

        Assert.Equal(3, web.Resource.GetReplicaCount());
        var urls = Assert.IsType<ReferenceExpression>(environment["ASPNETCORE_URLS"]);
        Assert.Equal("http://localhost:{{- portForServing \"web\" -}}", await urls.GetValueAsync(TestContext.Current.CancellationToken));
        Assert.Equal("{{- index .Annotations \"otel-service-name\" -}}", environment["OTEL_SERVICE_NAME"]);
        Assert.Equal("service.instance.id={{- index .Annotations \"otel-service-instance-id\" -}}", environment["OTEL_RESOURCE_ATTRIBUTES"]);
    }

    [Fact]
    public async Task AReferenceExpression_HasAValueAndAManifestForm()
    {
        var builder = CreateBuilder();
        var password = builder.AddParameter("password", "p w/d", secret: true);
        var endpoint = builder.AddContainer("db", "db").WithEndpoint(targetPort: 5000, name: "tcp").GetEndpoint("tcp");
        endpoint.EndpointAnnotation.AllocatedEndpoint = new AllocatedEndpoint(endpoint.EndpointAnnotation, "localhost", 5001);

        var uri = ReferenceExpression.Create($"db://:{password:uri}@{endpoint.Property(EndpointProperty.HostAndPort)}/{{x}}");

        Assert.Equal("db://:p%20w%2Fd@localhost:5001/{x}", await uri.GetValueAsync(TestContext.Current.CancellationToken));
        Assert.Equal("db://:{password.value}@{db.bindings.tcp.host}:{db.bindings.tcp.port}/{x}", uri.ValueExpression);
    }

    [Fact]
    public async Task AParameter_ComesFromTheConfiguration()
    {
        var builder = CreateBuilder();
        builder.Configuration["Parameters:greeting"] = "hello";
        var greeting = builder.AddParameter("greeting");

        Assert.Equal("hello", await greeting.Resource.GetValueAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task AMissingParameter_IsNamedInTheError()
    {
        var parameter = CreateBuilder().AddParameter("nowhere");
        var web = CreateBuilder().AddExecutable("web", "web", ".").WithEnvironment("X", ReferenceExpression.Create($"{parameter}"));
        var expression = Assert.IsType<ReferenceExpression>((await EnvironmentAsync(web.Resource))["X"]);

        // Real Aspire asks the user while a dashboard runs; without one, the value itself fails.
        var error = await Assert.ThrowsAsync<MissingParameterValueException>(async () => await expression.GetValueAsync(TestContext.Current.CancellationToken));

        Assert.Contains("Parameters:nowhere", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AConnectionString_OfTheConfiguration_IsPassedOn()
    {
        var builder = CreateBuilder();
        builder.Configuration["ConnectionStrings:redis"] = "example:6379";
        var redis = builder.AddConnectionString("redis");
        var web = builder.AddProject<TestProject>("web").WithReference(redis);

        var value = Assert.IsAssignableFrom<IValueProvider>((await EnvironmentAsync(web.Resource))["ConnectionStrings__redis"]);

        Assert.Equal("example:6379", await value.GetValueAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public void TwoResourcesOfOneName_AreAnError()
    {
        var builder = CreateBuilder();
        builder.AddContainer("box", "nginx");

        var error = Assert.Throws<DistributedApplicationException>(() => builder.AddContainer("BOX", "nginx"));

        Assert.Contains("BOX", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("under_score")]
    [InlineData("1st")]
    [InlineData("trailing-")]
    [InlineData("two--hyphens")]
    public void AnInvalidName_IsAnError(string name)
        => Assert.Throws<ArgumentException>(() => CreateBuilder().AddContainer(name, "nginx"));

    [Fact]
    public void AnEndpointThatDoesNotExist_IsNamedInTheError_WithThoseThatDo()
    {
        var box = CreateBuilder().AddContainer("box", "nginx").WithHttpEndpoint(targetPort: 80);

        var error = Assert.Throws<InvalidOperationException>(() => box.GetEndpoint("grpc").EndpointAnnotation);

        Assert.Contains("grpc", error.Message, StringComparison.Ordinal);
        Assert.Contains("http", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WaitingForItself_IsAnError()
    {
        var box = CreateBuilder().AddContainer("box", "nginx");

        Assert.Throws<DistributedApplicationException>(() => box.WaitFor(box));
    }

    private static IDistributedApplicationBuilder CreateBuilder() => DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true });

    private static async Task<Dictionary<string, object>> EnvironmentAsync(IResource resource)
    {
        var context = new EnvironmentCallbackContext(
            new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run),
            resource,
            cancellationToken: TestContext.Current.CancellationToken);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await annotation.Callback(context);
        }

        return context.EnvironmentVariables;
    }
}
