"""kldiv.torch beside PyTorch's own losses: values, gradients, types, and clear refusals."""

import math

import pytest

torch = pytest.importorskip("torch")
F = torch.nn.functional

import kldiv  # noqa: E402
import kldiv.torch as kt  # noqa: E402

REDUCTIONS = ["none", "mean", "sum", "batchmean"]
torch.manual_seed(1)


def pair(*shape, dtype=torch.float64, log_target=False):
    x = torch.randn(*shape, dtype=torch.float64).log_softmax(-1).to(dtype)
    t = torch.randn(*shape, dtype=torch.float64).log_softmax(-1)
    return x, (t if log_target else t.exp()).to(dtype)


@pytest.mark.parametrize("shape", [(5,), (4, 7), (3, 4, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("log_target", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_loss_and_its_gradients_are_pytorchs(reduction, log_target, shape):
    x, t = pair(*shape, log_target=log_target)
    ours, theirs = ([y.clone().requires_grad_() for y in (x, t)] for _ in range(2))
    got = kt.KLDivLoss(reduction=reduction, log_target=log_target)(*ours)
    want = torch.nn.KLDivLoss(reduction=reduction, log_target=log_target)(*theirs)
    assert got.dtype == want.dtype and got.shape == want.shape
    assert torch.allclose(got, want, rtol=1e-10, atol=1e-14)
    upstream = torch.randn_like(want)
    got.backward(upstream)
    want.backward(upstream)
    for a, b in zip(ours, theirs):
        assert torch.allclose(a.grad, b.grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_results_have_the_type_that_pytorchs_have(dtype):
    x, t = pair(6, 50, dtype=dtype)
    x.requires_grad_()
    for reduction in REDUCTIONS:
        got = kt.kl_div(x, t, reduction=reduction)
        want = F.kl_div(x.detach().double(), t.double(), reduction=reduction)
        assert got.dtype == dtype
        assert torch.allclose(got.double(), want, rtol=2e-2 if dtype == torch.bfloat16 else 2e-3, atol=1e-3)
    kt.kl_div(x, t, reduction="sum").backward()
    assert x.grad.dtype == dtype and torch.equal(x.grad, -t)


def test_other_layouts_and_broadcasting():
    x, t = pair(6, 5)
    want = F.kl_div(x, t, reduction="sum")
    for a, b in ((x.t().contiguous().t(), t), (x, t.t().contiguous().t()), (x[::1], t)):
        assert torch.allclose(kt.kl_div(a, b, reduction="sum"), want)
    row = t[:1].clone().requires_grad_()
    kt.kl_div(x, row, reduction="batchmean").backward()
    theirs = t[:1].clone().requires_grad_()
    F.kl_div(x, theirs.expand(6, 5), reduction="batchmean").backward()
    assert torch.allclose(row.grad, theirs.grad)


def test_arguments_and_defaults_are_pytorchs():
    import inspect

    ours, theirs = (list(inspect.signature(x.__init__).parameters.values()) for x in (kt.KLDivLoss, torch.nn.KLDivLoss))
    assert [(x.name, x.default) for x in ours] == [(x.name, x.default) for x in theirs]
    x, t = pair(4, 7)
    for arguments in ((False, None), (True, None), (None, False), (False, True)):
        with pytest.warns(UserWarning, match="deprecated"):
            got = kt.KLDivLoss(*arguments)(x, t)
        with pytest.warns(UserWarning):
            want = torch.nn.KLDivLoss(*arguments)(x, t)
        assert torch.allclose(got, want)
    with pytest.raises(ValueError, match="median"):
        kt.kl_div(x, t, reduction="median")


def test_zeros_that_pytorch_has_nan_for():
    x = torch.tensor([[0.5, 0.5, 0.0]], dtype=torch.float64).log().requires_grad_()
    t = torch.tensor([[0.25, 0.75, 0.0]], dtype=torch.float64).requires_grad_()
    loss = kt.kl_div(x, t, reduction="sum")
    loss.backward()
    assert loss.item() == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5))
    assert torch.equal(x.grad, -t.detach()) and t.grad[0, 2] == math.inf
    log = t.detach().log()
    assert kt.kl_div(x, log, reduction="sum", log_target=True).item() == pytest.approx(loss.item())


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("log_target", [False, True])
def test_gradcheck_of_the_loss(reduction, log_target):
    x, t = (y.requires_grad_() for y in pair(3, 4, log_target=log_target))
    assert torch.autograd.gradcheck(lambda x, t: kt.kl_div(x, t, reduction=reduction, log_target=log_target), (x, t))


@pytest.mark.parametrize("measure", ["kl", "reverse", "js"])
def test_gradcheck_of_logits(measure):
    a, b = (torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(lambda a, b: kt.logits(a, b, 2.0, measure=measure), (a, b))
    mask = torch.tensor([[True, False, True], [True, True, False]])
    assert torch.autograd.gradcheck(lambda a, b: kt.logits(a, b, measure=measure, mask=mask), (a, b))


def test_gradcheck_of_the_others():
    four = [torch.randn(3, 4, dtype=torch.float64, requires_grad=True) for _ in range(4)]
    assert torch.autograd.gradcheck(kt.vae, four[:2])
    assert torch.autograd.gradcheck(kt.vae, four)
    assert torch.autograd.gradcheck(lambda a, b: kt.DistillationLoss(3.0)(a, b), four[:2])
    values, indices = four[0].detach().log_softmax(-1).topk(2)
    for kind in ("logits", "logprobs", "logprobs_tail"):
        assert torch.autograd.gradcheck(lambda b: kt.topk(values, indices, b, kind=kind), (four[1],))


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("direction", ["forward", "reverse", "js"])
def test_distillation_is_what_it_is_in_pytorch(direction, temperature):
    ours, theirs = (torch.randn(6, 9, dtype=torch.float64).requires_grad_() for _ in range(2))
    theirs.data.copy_(ours.data)
    teacher = torch.randn(6, 9, dtype=torch.float64)
    log_s = (theirs / temperature).log_softmax(-1)
    log_t = (teacher / temperature).log_softmax(-1)
    if direction == "forward":
        want = F.kl_div(log_s, log_t, reduction="batchmean", log_target=True)
    elif direction == "reverse":
        want = F.kl_div(log_t, log_s, reduction="batchmean", log_target=True)
    else:
        log_m = ((log_s.exp() + log_t.exp()) / 2).log()
        parts = [F.kl_div(log_m, x, reduction="batchmean", log_target=True) for x in (log_s, log_t)]
        want = sum(parts) / 2
    want = want * temperature**2
    got = kt.DistillationLoss(temperature, direction=direction)(ours, teacher)
    assert torch.allclose(got, want, rtol=1e-9)
    got.backward()
    want.backward()
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-8, atol=1e-12)
    plain = kt.DistillationLoss(temperature, direction=direction, scale=False)(ours, teacher)
    assert torch.allclose(plain * temperature**2, want)
    rows = kt.DistillationLoss(temperature, "none", direction)(ours, teacher)
    assert torch.allclose(rows.mean(), want) and rows.shape == (6,)
    mask = torch.tensor([1, 1, 0, 0, 0, 1], dtype=torch.bool)
    masked = kt.DistillationLoss(temperature, direction=direction)(ours, teacher, mask)
    assert torch.allclose(masked, rows[mask].mean())


def test_masked_classes_get_no_gradient():
    a = torch.tensor([[1.0, 2.0, -math.inf]], requires_grad=True)
    b = torch.tensor([[0.5, 0.5, -math.inf]], requires_grad=True)
    value = kt.logits(a, b)
    value.sum().backward()
    assert value.isfinite().all() and a.grad[0, 2] == b.grad[0, 2] == 0
    assert a.grad.isfinite().all() and b.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_half_types_go_straight_through(dtype):
    a, b = (torch.randn(4, 1000).to(dtype).requires_grad_() for _ in range(2))
    got = kt.logits(a, b, 2.0)
    want = kt.logits(a.detach().double(), b.detach().double(), 2.0)
    assert got.dtype == torch.float32 and torch.allclose(got.double(), want, rtol=1e-5)
    got.sum().backward()
    assert a.grad.dtype == b.grad.dtype == dtype
    assert kldiv.kl(a.detach().float().softmax(-1).to(dtype), b.detach().float().softmax(-1)).shape == (4,)


def test_a_vae_is_what_it_is_in_pytorch():
    mu, logvar, m, l = torch.randn(4, 5, 3, dtype=torch.float64)
    want = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)
    assert torch.allclose(kt.vae(mu, logvar), want)
    assert torch.allclose(kt.VAELoss()(mu, logvar), want.mean())
    normal = torch.distributions.Normal
    prior = torch.distributions.kl_divergence(normal(mu, (logvar / 2).exp()), normal(m, (l / 2).exp())).sum(1)
    assert torch.allclose(kt.vae(mu, logvar, m, l), prior)
    assert torch.allclose(kt.VAELoss("sum")(mu, logvar, m[:1], l[:1]), kt.vae(mu, logvar, m[:1], l[:1]).sum())


def test_tensors_are_read_and_written_where_they_lie():
    p = torch.rand(64, 300)
    q = torch.rand(64, 300)
    out = torch.empty(300, 64).t()
    assert kldiv.terms(p, q, out=out) is out
    assert torch.allclose(out, p * (p / q).log(), atol=1e-6)
    assert (kldiv.kl(p.t(), q.t(), axis=0) == kldiv.kl(p.numpy(), q.numpy())).all()
    half = torch.rand(64, 300).to(torch.bfloat16)
    assert (kldiv.kl(half, p) == kldiv.kl(half.float(), p)).all()


def test_a_second_derivative_is_a_clear_error():
    x, t = (y.requires_grad_() for y in pair(2, 3))
    (grad,) = torch.autograd.grad(kt.kl_div(x, t, reduction="sum"), x, create_graph=True)
    with pytest.raises(RuntimeError, match="first derivatives only"):
        grad.sum().backward()


def test_what_kldiv_cannot_take_is_a_clear_error():
    x, t = pair(2, 3)
    with pytest.raises(TypeError, match="device meta"):
        kt.kl_div(x.to("meta"), t)
    with pytest.raises(TypeError, match="on the device"):
        kt.logits(x, t.to("meta"))
    with pytest.raises(TypeError, match="layout"):
        kt.kl_div(x, t.to_sparse())
    with pytest.raises(TypeError, match="floating-point"):
        kt.kl_div(x, torch.ones(2, 3, dtype=torch.int64))
    with pytest.raises(TypeError, match="has to be a tensor"):
        kt.kl_div(x.numpy(), t)
    bad = t.clone()
    bad[1, 2] = -1
    with pytest.raises(kldiv.KLDivError) as raised:
        kt.kl_div(x, bad)
    assert raised.value.operand == "target" and raised.value.index == (1, 2)
    with pytest.raises(TypeError, match="int64"):
        kt.topk(x, torch.ones(2, 3), t)


def test_a_student_learns():
    teacher = torch.randn(32, 10)
    student = torch.zeros(32, 10, requires_grad=True)
    optimizer = torch.optim.SGD([student], lr=20.0)
    loss = kt.DistillationLoss(2.0)
    for _ in range(200):
        optimizer.zero_grad()
        value = loss(student, teacher)
        value.backward()
        optimizer.step()
    assert value.item() < 1e-3
