using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dashboard;
using Aspire.Hosting.Dcp;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Health;
using Aspire.Hosting.Orchestration;
using Aspire.Hosting.Publishing;
using Aspire.Hosting.Utils;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

/// <inheritdoc cref="IDistributedApplicationBuilder" />
public class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly HostApplicationBuilder _innerBuilder;
    private readonly DistributedApplicationExecutionContextOptions _executionContextOptions;

    public DistributedApplicationBuilder(string[] args)
        : this(new DistributedApplicationOptions { Args = args })
    {
    }

    public DistributedApplicationBuilder(DistributedApplicationOptions options)
        : this(options, configure: null)
    {
    }

    internal DistributedApplicationBuilder(DistributedApplicationOptions options, Action<DistributedApplicationOptions, HostApplicationBuilderSettings>? configure)
    {
        ArgumentNullException.ThrowIfNull(options);

        var hostSettings = new HostApplicationBuilderSettings { Args = options.Args, Configuration = new ConfigurationManager() };
        hostSettings.Configuration.AddEnvironmentVariables("ASPIRE_");
        configure?.Invoke(options, hostSettings);
        AppHostDiagnostics.BuilderConstructing(options, hostSettings);
        _innerBuilder = new HostApplicationBuilder(hostSettings);

        AppHostAssembly = options.Assembly;
        AppHostDirectory = options.ProjectDirectory ?? _innerBuilder.Environment.ContentRootPath;
        AppHostPath = Path.GetFullPath(Path.Join(AppHostDirectory, options.ProjectName ?? _innerBuilder.Environment.ApplicationName));

        var secrets = new UserSecretsStore(AppHostAssembly);
        AppHostConfiguration.Apply(_innerBuilder.Configuration, _innerBuilder.Environment, options, secrets, AppHostDirectory, AppHostPath);
        AppHostLogging.Apply(_innerBuilder, options);

        _executionContextOptions = AppHostConfiguration.CreateExecutionContextOptions(_innerBuilder.Configuration);
        ExecutionContext = new DistributedApplicationExecutionContext(_executionContextOptions);
        AppHostConfiguration.AddHash(_innerBuilder.Configuration, ExecutionContext, AppHostPath);

        AddCoreServices(options, secrets);
        if (ExecutionContext.IsRunMode)
        {
            AddRunServices(options, secrets);
        }
        else
        {
            Services.AddHostedService<ManifestPublisher>();
        }

        AppHostDiagnostics.BuilderConstructed(this);
    }

    public Assembly? AppHostAssembly { get; }

    public string AppHostDirectory { get; }

    /// <summary>The AppHost's directory and name, without the extension of its project file.</summary>
    public string AppHostPath { get; }

    public ConfigurationManager Configuration => _innerBuilder.Configuration;

    public IHostEnvironment Environment => _innerBuilder.Environment;

    public IServiceCollection Services => _innerBuilder.Services;

    public IDistributedApplicationEventing Eventing { get; } = new DistributedApplicationEventing();

    public DistributedApplicationExecutionContext ExecutionContext { get; }

    public IResourceCollection Resources { get; } = new ResourceCollection();

    public DistributedApplication Build()
    {
        AppHostDiagnostics.Building(this);
        var application = new DistributedApplication(_innerBuilder.Build());
        _executionContextOptions.ServiceProvider = application.Services;
        AppHostDiagnostics.Built(application);
        return application;
    }

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        ArgumentNullException.ThrowIfNull(resource);
        ModelName.ValidateName(nameof(Resource), resource.Name);
        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource
    {
        ArgumentNullException.ThrowIfNull(resource);
        return new DistributedApplicationResourceBuilder<T>(this, resource);
    }

    private void AddCoreServices(DistributedApplicationOptions options, UserSecretsStore secrets)
    {
        Services.AddSingleton(TimeProvider.System);
        Services.AddSingleton(options);
        Services.AddSingleton(secrets);
        Services.AddSingleton(ExecutionContext);
        Services.AddSingleton(Eventing);
        Services.AddSingleton(_ => new DistributedApplicationModel(Resources));
        Services.AddSingleton<ResourceLoggerService>();
        Services.AddSingleton<ResourceNotificationService>();
        Services.AddSingleton(services => new ResourceCommandService(
            services.GetRequiredService<ResourceNotificationService>(),
            services.GetRequiredService<ResourceLoggerService>(),
            services));
        Services.AddHealthChecks();
        Services.AddHttpClient();
        Services.AddHostedService<AppHostLifecycleLogger>();

        // Nobody sees a dashboard to restart a failed dependency when there is none: fail instead of waiting for ever.
        Services.Configure<ResourceNotificationServiceOptions>(o => o.DefaultWaitBehavior = options.DisableDashboard
            ? WaitBehavior.StopOnResourceUnavailable
            : WaitBehavior.WaitOnResourceUnavailable);
    }

    private void AddRunServices(DistributedApplicationOptions options, UserSecretsStore secrets)
    {
        Services.AddSingleton<ResourceHealthCheckService>();
        Services.AddHostedService(services => services.GetRequiredService<ResourceHealthCheckService>());

        if (!options.DisableDashboard)
        {
            AppHostConfiguration.AddDashboardKeys(Configuration, secrets);
            Services.AddDashboard();
        }

        if (options.EnableResourceLogging)
        {
            Services.AddHostedService<ResourceLoggerForwarderService>();
        }

        Services.AddOrchestration();
        Services.AddHostedService<OrchestratorHostService>();
        Eventing.Subscribe<BeforeStartEvent>(ResourceInitializer.OnBeforeStartAsync);
    }
}
