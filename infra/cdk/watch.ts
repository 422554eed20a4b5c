import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  LogQueryVisualizationType,
  LogQueryWidget,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { DeployOptions } from './options.ts';
import { callDollars, millisecondDollars } from './prices.ts';
import { functionNames } from './search-functions.ts';

const minute = Duration.minutes(1);
const hour = Duration.hours(1);

function metric(functionName: string, metricName: string, statistic: string, period = minute): Metric {
  return new Metric({ namespace: 'AWS/Lambda', metricName, dimensionsMap: { FunctionName: functionName }, statistic, period });
}

/** A sum over all functions as one expression. */
function sum(names: readonly string[], metricName: string, label: string, period = minute): MathExpression {
  const usingMetrics = Object.fromEntries(
    names.map((name, i) => [`${metricName.toLowerCase()}${i}`, metric(name, metricName, 'Sum', period)]),
  );
  return new MathExpression({ expression: Object.keys(usingMetrics).join(' + '), usingMetrics, label, period });
}

/** Dollars that all functions cost in an hour, from calls and billed time; provisioned instances and requests to S3 come on top. */
export function dollarsPerHour(options: DeployOptions): MathExpression {
  const names = functionNames(options);
  const usingMetrics = {
    duration: sum(names, 'Duration', 'duration', hour),
    calls: sum(names, 'Invocations', 'calls', hour),
  };
  const perMs = millisecondDollars(options.memoryMb, options.architecture);
  return new MathExpression({
    // CloudWatch knows no exponents.
    expression: `duration * ${perMs.toFixed(12)} + calls * ${callDollars.toFixed(7)}`,
    usingMetrics,
    label: 'dollars per hour',
    period: hour,
  });
}

/** Alarms for errors, throttling, the tail and the bill. */
export function createAlarms(scope: Construct, options: DeployOptions): readonly Alarm[] {
  const group = new Construct(scope, 'Alarms');
  const names = functionNames(options);
  const alarms = names.flatMap((name, i) => [
    new Alarm(group, `Errors${i + 1}`, {
      alarmName: `${name} errors`,
      alarmDescription:
        'More than 1 % of calls failed for 5 minutes: look into the log of the function. Answers with an HTTP error do not count.',
      metric: new MathExpression({
        expression: '100 * errors / MAX([calls, errors])',
        usingMetrics: { errors: metric(name, 'Errors', 'Sum'), calls: metric(name, 'Invocations', 'Sum') },
        period: minute,
      }),
      threshold: 1,
      evaluationPeriods: 5,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    }),
    new Alarm(group, `Throttles${i + 1}`, {
      alarmName: `${name} throttles`,
      alarmDescription:
        'Calls were refused in 3 of 5 minutes: raise reservedConcurrency or the quota of the account, or lower the concurrency of queriers.',
      metric: metric(name, 'Throttles', 'Sum'),
      threshold: 0,
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    }),
    new Alarm(group, `Tail${i + 1}`, {
      alarmName: `${name} p99`,
      alarmDescription: 'The p99 of calls came near the time-out for 10 minutes: lower target_bytes_per_job or give functions more memory.',
      metric: metric(name, 'Duration', 'p99'),
      threshold: options.timeoutSeconds * 1000 * 0.8,
      evaluationPeriods: 10,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    }),
  ]);
  alarms.push(
    new Alarm(group, 'Cost', {
      alarmName: `${options.name} search functions cost`,
      alarmDescription:
        'All functions together cost more than maxDollarsPerHour: see which tenant asks (dashboard "Rubato / tail and spill"), cap it, or raise prefer_self.',
      metric: dollarsPerHour(options),
      threshold: options.maxDollarsPerHour,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    }),
  );
  if (options.alarmTopicArn !== '') {
    const topic = Topic.fromTopicArn(group, 'Topic', options.alarmTopicArn);
    for (const alarm of alarms) alarm.addAlarmAction(new SnsAction(topic));
  }
  return alarms;
}

/** The CloudWatch dashboard of the functions, from the platform's side; queriers have theirs in Grafana. */
export function createDashboard(scope: Construct, options: DeployOptions): Dashboard {
  const names = functionNames(options);
  const each = (metricName: string, statistic: string): IMetric[] =>
    names.map((name) => metric(name, metricName, statistic).with({ label: name }));
  const graph = (title: string, left: IMetric[], label: string) =>
    new GraphWidget({ title, left, leftYAxis: { label, min: 0, showUnits: false }, width: 8, height: 6 });
  const tail = ['p50', 'p90', 'p99', 'p99.9'].flatMap((statistic) =>
    names.map((name) => metric(name, 'Duration', statistic).with({ label: `${name} ${statistic}` })),
  );
  const coldStarts = new LogQueryWidget({
    title: 'Cold starts',
    logGroupNames: names.map((name) => `/aws/lambda/${name}`),
    view: LogQueryVisualizationType.LINE,
    queryLines: [
      'filter @type = "REPORT"',
      'stats count(@initDuration) as coldStarts, pct(@initDuration, 99) as initMsP99, pct(@maxMemoryUsed / 1000 / 1000, 99) as usedMbP99 by bin(5m)',
    ],
    width: 8,
    height: 6,
  });
  return new Dashboard(scope, 'Dashboard', {
    dashboardName: `${options.name}-search-functions`,
    defaultInterval: Duration.hours(6),
    widgets: [
      [
        graph('Calls', each('Invocations', 'Sum'), 'per minute'),
        graph('Duration', tail, 'ms'),
        graph('Instances at work', each('ConcurrentExecutions', 'Maximum'), ''),
      ],
      [
        graph('Errors', each('Errors', 'Sum'), 'per minute'),
        graph('Throttles', each('Throttles', 'Sum'), 'per minute'),
        graph('Cost', [dollarsPerHour(options)], '$ per hour'),
      ],
      [coldStarts],
    ],
  });
}
